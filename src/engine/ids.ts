/**
 * Name-based UUIDs (RFC 9562, version 5). Everything that follows from a command or a client order id gets an id
 * computed from it, so that a step that is taken again after a crash names the same things by the same ids.
 */
import { createHash } from 'node:crypto'

/** The UUIDv5 of a name within a namespace, which is itself a UUID. */
export function uuidFrom(namespace: string, name: string): string {
  const digest = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
  digest[6] = (digest[6]! & 0x0f) | 0x50
  digest[8] = (digest[8]! & 0x3f) | 0x80
  const hex = digest.toString('hex', 0, 16)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** The id of the order that a trader placed under a client order id: one per account and client order id, for ever. */
export function clientOrderUuid(accountId: string, clientOrderId: string): string {
  return uuidFrom(accountId, `order:${clientOrderId}`)
}
