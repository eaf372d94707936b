/** Where demos receive webhooks. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ReceivedWebhook {
  id: string
  type: string
  signature: string
  body: string
}

export interface Listener {
  url: string
  received: readonly ReceivedWebhook[]
  close(): void
}

/** What came, each delivery once, since one may come again under its id; and how many of each type, as JSON in the types' order. */
export function heardOnce({ received }: Listener): { once: ReceivedWebhook[]; counts: string } {
  const once = [...new Map(received.map((each) => [each.id, each])).values()]
  const counted = Object.entries(Object.groupBy(once, ({ type }) => type)).map(([type, all]) => [type, all?.length])
  return { once, counts: JSON.stringify(Object.fromEntries(counted.toSorted())) }
}

const BODY_MAX_BYTES = 262_144

/** `headers`: in lower case, those that hold a delivery's id and its signature. */
export async function startListener(path: string, headers: { id: string; signature: string }): Promise<Listener> {
  const received: ReceivedWebhook[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) {
      body += chunk
      if (body.length > BODY_MAX_BYTES) return void request.destroy()
    }
    const header = (name: string) => String(request.headers[name] ?? '')
    const { type = '' } = JSON.parse(body) as { type?: string }
    received.push({ id: header(headers.id), type, signature: header(headers.signature), body })
    response.writeHead(200).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  const { port } = server.address() as AddressInfo
  return {
    ...{ url: `http://127.0.0.1:${port}${path}`, received },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
