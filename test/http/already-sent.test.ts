/**
 * Answers that a handler has written on Node's own objects: the adapter writes nothing behind them. It takes a response of
 * its own kind for one that is still to be written, and the library's constant is of that kind where a server was started
 * before it was made, as an instance's engine may be.
 */
import { afterAll, expect, it, vi } from 'vitest'
import { defaultServerOptions, startServer } from '../../src/http/server.ts'

let answer = async (): Promise<Response> => new Response()
const server = await startServer({
  ...{ ...defaultServerOptions, host: '127.0.0.1', port: 0 },
  fetch: (_, { outgoing }) => {
    ;(outgoing as unknown as { end(text: string): void }).end('sent already')
    return answer()
  },
})
afterAll(() => server.stop(0))

/** What the client gets, and what the adapter writes to standard error. */
async function asked(): Promise<{ text: string; complaints: string[] }> {
  const said = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  try {
    const text = await (await fetch(`http://127.0.0.1:${server.port}/`)).text()
    return { text, complaints: said.mock.calls.map(([error]) => String((error as { code?: string }).code)) }
  } finally {
    said.mockRestore()
  }
}

it('are left alone, also where the constant was made after a server had been started', async () => {
  const { alreadySent } = await import('../../src/http/already-sent.ts')
  answer = async () => alreadySent({ answer: undefined })
  for (let n = 0; n < 3; n++) expect(await asked()).toStrictEqual({ text: 'sent already', complaints: [] })
})

it('are written behind where the constant itself is answered', async () => {
  const { RESPONSE_ALREADY_SENT } = await import('@hono/node-server/utils/response')
  answer = async () => new Response(null, { headers: RESPONSE_ALREADY_SENT.headers })
  expect(await asked()).toStrictEqual({ text: 'sent already', complaints: ['ERR_HTTP_HEADERS_SENT'] })
})
