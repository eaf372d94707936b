/** Whether a webhook is genuine. Standard Webhooks, firsthand's and rungate's signatures are told apart by their headers. */
import { createHmac, timingSafeEqual } from 'node:crypto'

export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>

/** `toleranceS`: how far the sender's clock and this one may differ, 300; `nowS`: this clock, in Unix time. */
export type VerifyOptions = { toleranceS?: number; nowS?: number }

/** `headers`: parts are missing; `clock`: too old or too early; `signature`: the body or the secret is another one. */
export class WebhookRefused extends Error {
  override name = 'WebhookRefused'
  readonly fault: 'headers' | 'clock' | 'signature'
  constructor(fault: WebhookRefused['fault'], message: string) {
    super(message)
    this.fault = fault
  }
}

const utf8 = (secret: string): Buffer => Buffer.from(secret)
const base64 = (secret: string): Buffer => Buffer.from(secret.replace(/^whsec_/, ''), 'base64')

/**
 * The event that the body tells of. `body` is what came, byte for byte, not parsed and written again; several secrets are
 * those of a rotation. Throws WebhookRefused.
 */
export function verifyWebhook<Event = Record<string, unknown>>(
  headers: WebhookHeaders,
  body: string | Uint8Array,
  secret: string | readonly string[],
  { toleranceS = 300, nowS = Date.now() / 1_000 }: VerifyOptions = {},
): Event {
  const { timestamp, head, signatures, keyOf } = claimOf(headers)
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookRefused('headers', 'The request names no time.')
  const ageS = Math.round(nowS - Number(timestamp))
  if (Math.abs(ageS) > toleranceS) throw new WebhookRefused('clock', `The request is from ${ageS} s ago.`)
  const isGenuine = [secret].flat().some((each) => {
    const expected = createHmac('sha256', keyOf(each)).update(head).update(body).digest()
    return signatures.some((given) => given.length === expected.length && timingSafeEqual(given, expected))
  })
  if (!isGenuine) throw new WebhookRefused('signature', 'The signature is not that of this body and this secret.')
  return JSON.parse(Buffer.from(body).toString('utf8')) as Event
}

/** What the headers claim: when, what stands before the body in what was signed, the signatures, and the form of keys. */
function claimOf(headers: WebhookHeaders) {
  const entries = headers instanceof Headers ? [...headers] : Object.entries(headers)
  const given = new Map(entries.map(([name, value]) => [name.toLowerCase(), String(value ?? '')]))
  const named = (name: string): string => given.get(name) ?? ''
  const marked = (texts: readonly string[], mark: string, encoding: 'base64' | 'hex') =>
    texts.flatMap((each) => (each.startsWith(mark) ? [Buffer.from(each.slice(mark.length), encoding)] : []))

  const standard = marked(named('webhook-signature').split(' '), 'v1,', 'base64')
  const atStandard = named('webhook-timestamp')
  const standardHead = `${named('webhook-id')}.${atStandard}.`
  if (standard.length > 0) return { timestamp: atStandard, head: standardHead, signatures: standard, keyOf: base64 }

  const parts = named('x-firsthand-signature').split(',')
  const firsthand = marked(parts, 'v1=', 'hex')
  const at = parts.find((part) => part.startsWith('t='))?.slice('t='.length) ?? ''
  if (firsthand.length > 0) return { timestamp: at, head: `${at}.`, signatures: firsthand, keyOf: utf8 }

  const both = [named('x-rungate-signature-256'), named('x-rungate-signature-256-previous')]
  const rungate = marked(both, 'sha256=', 'hex')
  // The body alone is signed there: the time tells of honest senders' delays, and no more.
  if (rungate.length > 0) return { timestamp: named('x-rungate-timestamp'), head: '', signatures: rungate, keyOf: utf8 }
  throw new WebhookRefused('headers', 'The request has no signature that is known here.')
}
