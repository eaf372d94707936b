/** Where the demo receives webhooks, and how it looks at their signatures. */
import { createHmac, timingSafeEqual } from 'node:crypto'
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

const BODY_MAX_BYTES = 262_144

export async function startListener(): Promise<Listener> {
  const received: ReceivedWebhook[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) {
      body += chunk
      if (body.length > BODY_MAX_BYTES) return void request.destroy()
    }
    const header = (name: string) => String(request.headers[name] ?? '')
    const { type = '' } = JSON.parse(body) as { type?: string }
    received.push({ id: header('x-firsthand-event-id'), type, signature: header('x-firsthand-signature'), body })
    response.writeHead(200).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  const { port } = server.address() as AddressInfo
  return {
    ...{ url: `http://127.0.0.1:${port}/firsthand`, received },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Whether the body was signed with the endpoint's secret. */
export function isSigned({ signature, body }: ReceivedWebhook, secret: string): boolean {
  const parts = signature.split(',').map((part) => part.split('='))
  const at = parts.find(([name]) => name === 't')?.[1] ?? ''
  const expected = createHmac('sha256', secret).update(`${at}.${body}`).digest()
  return parts.some(([name, value = '']) => {
    const given = Buffer.from(value, 'hex')
    return name === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
  })
}
