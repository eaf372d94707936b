/**
 * How receivers tell that a webhook is genuine: headers that a context's scheme makes of what is sent and of every secret
 * that is valid. Standard Webhooks is one; contexts whose contract has another bring their own.
 */
import { createHmac } from 'node:crypto'

export interface SignedMessage {
  /** The event's id, whichever attempt and whichever replay this is. */
  id: string
  eventType: string
  deliveryId: string
  timestampS: number
  body: string
}

/** The headers that identify and sign a message; `secrets`: those that are valid now, the current one first. */
export type Sign = (message: SignedMessage, secrets: readonly string[]) => Readonly<Record<string, string>>

/** HMAC-SHA-256 in hex, with the secret's whole text as the key. */
export const hexSignature = (secret: string, text: string): string =>
  createHmac('sha256', secret).update(text).digest('hex')

/** Source: the specification of Standard Webhooks: one `v1` signature per secret, over id, timestamp and body. */
export const standardWebhooks: Sign = ({ id, timestampS, body }, secrets) => {
  const signed = secrets.map((secret) => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64')}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': String(timestampS), 'webhook-signature': signed.join(' ') }
}
