/** How firsthand signs its webhooks. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { ReceivedWebhook } from '../../demo/listener.ts'

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
