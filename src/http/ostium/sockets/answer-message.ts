/** One message of the trade socket, answered as its POST would be: every fault is a reply. */
import { randomUUID } from 'node:crypto'
import { commandContext } from '../../../commands/context.ts'
import { isUuid } from '../../../events/uuid.ts'
import { failureOf } from '../../../postgres/failure.ts'
import { keyedIdentity } from '../../command.ts'
import { complaint } from '../../complaints.ts'
import { describeError, Problem } from '../../errors.ts'
import { jsonPointer } from '../../json.ts'
import { refuseBeyond } from '../../rate-limit.ts'
import { type AgentCaller, ANYBODY, type OstiumParts } from '../access.ts'
import { errors } from '../errors.ts'
import { exchange, kinds } from '../exchange/exchanging.ts'
import { checkKey, textsOf } from '../exchange/keys.ts'
import { exchangeHealthAt } from '../health.ts'
import { traderFrom } from '../trader.ts'
import { type Envelope, EnvelopeRefused, readEnvelope } from './envelope.ts'
import type { Turn } from './turns.ts'

export interface Connection {
  id: string
  /** Of the client. */
  address: string
}

export type Reply = { id?: string; ok: true; data: unknown } | { id?: string; ok: false; error: object }

/**
 * Read, and ready to be answered. A build without a key of its own stands alone: it hands out its transaction whatever comes
 * before or after it. What an agent does, and what is known by its Idempotency-Key, keeps its place. With a refusal the message
 * is not looked at any further.
 */
export function messageOf(
  parts: OstiumParts,
  connection: Connection,
  data: string | ArrayBuffer,
  refusal?: Problem<string>,
): Turn<Reply> {
  try {
    const envelope = readEnvelope(data)
    const { id, headers } = envelope
    if (refusal) return { standsAlone: true, run: async () => refused(parts, id, refusal) }
    return {
      standsAlone: !headers.has('x-api-key') && !headers.has('idempotency-key'),
      run: () => answered(parts, connection, envelope),
    }
  } catch (error) {
    const [id, cause] = error instanceof EnvelopeRefused ? [error.id, error.cause] : [undefined, error]
    return { standsAlone: true, run: async () => refused(parts, id, refusal ?? cause) }
  }
}

async function answered(parts: OstiumParts, connection: Connection, envelope: Envelope): Promise<Reply> {
  const { id } = envelope
  try {
    const data = await act(parts, connection, envelope)
    return { ...(id !== undefined && { id }), ok: true, data }
  } catch (error) {
    return refused(parts, id, error)
  }
}

async function act(
  parts: OstiumParts,
  connection: Connection,
  { action, headers, payload }: Envelope,
): Promise<unknown> {
  if (action === 'health') return exchangeHealthAt(parts.clock())
  const trader = traderFrom(headers.get('x-trader-address'), undefined)
  const key = checkKey(headers.get('idempotency-key'))
  const principal = await principalOf(parts, connection, headers)
  const result = kinds[action].schema.safeParse(payload, { error: complaint })
  if (!result.success) throw unfit(result.error.issues)
  const identity =
    key === undefined
      ? { commandId: randomUUID(), fingerprint: undefined }
      : keyedIdentity({
          ...{ context: 'ostium', principal, action, scope: trader, key },
          request: textsOf(result.data) as object,
        })
  const given = headers.get('x-request-id')
  const requestId = given !== undefined && isUuid(given) ? given.toLowerCase() : randomUUID()
  const { fingerprint, commandId } = identity
  const at = parts.clock().toISOString()
  const command = commandContext(principal?.actor ?? ANYBODY, commandId, at, { requestId, fingerprint })
  const { body } = await exchange(parts, action, result.data as never, { trader, principal, command, channel: 'ws' })
  return body
}

/** Whose agent's key came with the message. A bad one counts against the client's address, as by HTTP. */
async function principalOf(
  parts: OstiumParts,
  { address }: Connection,
  headers: Envelope['headers'],
): Promise<AgentCaller | undefined> {
  const text = headers.get('x-api-key')
  if (text === undefined) return undefined
  const head = {
    ...{ method: 'GET', path: '/v1/exchange/ws', query: () => undefined, cookie: () => undefined },
    header: (name: string) => headers.get(name),
  }
  const verdict = await parts.verify(text, head)
  if (verdict.kind === 'valid') return verdict.principal
  const max = parts.limits.keyFailuresPerMinuteMax
  const refusal = refuseBeyond(max, parts.keyFailuresOf(address), 'Too many refused API keys from this address.')
  throw refusal ?? new Problem('credential_invalid', 'The API key is unknown, mistyped or revoked.')
}

function unfit(issues: readonly { path: PropertyKey[]; code?: string; message: string }[]): Problem {
  const faults = issues.map(({ path, code = 'invalid', message: detail }) => ({
    ...{ pointer: jsonPointer(path), code, detail },
  }))
  const named = faults.map(({ pointer, detail }) => `${pointer || 'the payload'}: ${detail}`)
  return new Problem('validation_failed', named.slice(0, 3).join('; '), { errors: faults })
}

function refused(parts: Pick<OstiumParts, 'log'>, id: string | undefined, error: unknown): Reply {
  const described = describeError(error, (each) => failureOf(each) === 'unavailable')
  const known = errors.codes[described.code as keyof typeof errors.codes]
  const { status, title, shownAs = described.code } = known ?? errors.codes.internal_error
  if (!known || described.code === 'internal_error') parts.log.error({ err: error }, 'a message of a socket failed')
  const { detail, errors: faults = [], details } = described
  const refusal = { code: shownAs, status, title, detail, errors: faults, details, requestId: '', schemes: [] }
  const { error: message, ...rest } = errors.body(refusal) as { error: string }
  return { ...(id !== undefined && { id }), ok: false, error: { message, ...rest } }
}
