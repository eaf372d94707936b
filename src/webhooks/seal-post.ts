/**
 * Seals of the log, posted to one address of the installation's own: vetted and sent as webhooks are, signed by Standard
 * Webhooks. The id follows from the seal, so that a receiver tells one that comes again.
 */
import { deterministicId } from '../commands/identity.ts'
import type { Seal } from '../events/seal.ts'
import { type RequestLimits, type Resolve, sendWebhook } from './request.ts'
import { standardWebhooks } from './signing.ts'

export interface SealAddress {
  url: string
  /** `whsec_…` */
  secret: string
  limits: RequestLimits
  resolve: Resolve
  now: () => Date
}

const TYPE = 'opslog.log_sealed'

/** Sends a seal; undefined once the address has taken it (2xx), else why it has not. Never rejects. */
export const createSealSender =
  ({ url, secret, limits, resolve, now }: SealAddress) =>
  async (seal: Seal, signal: AbortSignal): Promise<string | undefined> => {
    const { position, events, root, publicKey, signature, occurredAt } = seal
    const data = { position, events, root, public_key: publicKey, signature, sealed_at: occurredAt }
    const body = JSON.stringify({ type: TYPE, timestamp: occurredAt, data })
    const id = deterministicId('seal', signature)
    const timestampS = Math.floor(now().getTime() / 1_000)
    const signed = standardWebhooks({ id, eventType: TYPE, deliveryId: id, timestampS, body }, [secret])
    const length = String(Buffer.byteLength(body))
    const headers = { 'content-type': 'application/json', 'content-length': length, ...signed }
    const answer = await sendWebhook({ url, headers, body }, limits, resolve, signal)
    if (answer.kind === 'failed') return answer.message
    return answer.status >= 200 && answer.status < 300 ? undefined : `the address answered ${answer.status}`
  }
