/**
 * `opslog listen`: an operator's webhooks on one's own machine. It follows the log by position, not what is sent to the
 * endpoint, so it works without one; what is replayed comes again under its id.
 */
import type { Moment } from '../../audit/moment.ts'
import type { Recorded } from '../../events/event.ts'
import { partnerEventOf, partnerEventTypes } from '../../events/noctant/partner-events.ts'
import { isPoison } from '../../events/subscription.ts'
import { createOwnerOf, payloadOf } from '../../processes/noctant/webhook-payload.ts'
import { generateWebhookSecret } from '../../webhooks/secret.ts'
import { standardWebhooks } from '../../webhooks/signing.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import { untilInterrupted } from '../following.ts'
import { createForwarder, type Message, sayTimed as say } from '../forwarding.ts'
import type { ShownWebhooks } from '../forwarding-options.ts'
import { momentOf } from '../moment.ts'
import { CliError, colours, EXIT } from '../terminal.ts'
import { operatorIdOf, sandboxOperator } from './operator-id.ts'

export interface ListenOptions extends ShownWebhooks {
  operator?: string
  since?: string
}

const REPLAY = 'noctant.WebhookReplayRequested.v1'
const CACHED_MAX = 1_000
/** How long an engine's event waits for its account to come into the read models. */
const OWNER_WAIT_MAX_MS = 10_000

export async function listen(tools: AdminTools, options: ListenOptions): Promise<void> {
  const unknown = options.events?.find((type) => !partnerEventTypes.includes(type))
  if (unknown !== undefined) {
    throw new CliError(EXIT.usage, `there is no event type ${unknown}`, `There are: ${partnerEventTypes.join(', ')}`)
  }
  await tools.withSession(async (session) => {
    const named = options.operator
    const operatorId = named ? await operatorIdOf(session, named) : sandboxOperator(tools).operator_id
    await untilInterrupted((signal) => follow(tools, session, { operatorId, options, signal }))
  })
}

async function follow(
  tools: AdminTools,
  session: AdminSession,
  { operatorId, options, signal }: { operatorId: string; options: ListenOptions; signal: AbortSignal },
): Promise<void> {
  const since = options.since === undefined ? undefined : momentOf(options.since)
  const secret = options.secret ?? generateWebhookSecret()
  const { forwardTo } = options
  const forwarder =
    forwardTo === undefined
      ? undefined
      : createForwarder({ ...options, forwardTo, secret, sign: standardWebhooks, say, signal })
  const after = since === undefined ? await positionNow(session) : undefined
  if (!options.printJson) process.stdout.write(`signing secret ${secret}\n`)
  try {
    await followWebhooks(tools, session, {
      operatorId,
      after,
      signal,
      isWanted: (event) => since === undefined || !isBefore(event, since),
      async onMessage(message, isResent) {
        if (options.events && !options.events.includes(message.eventType)) return
        if (options.printJson) process.stdout.write(`${message.body}\n`)
        else say(`--> ${colours.bold(message.eventType)} [${message.id}]${isResent ? ' resent' : ''}`)
        await forwarder?.forward(message)
      },
    })
  } finally {
    forwarder?.close()
  }
}

/** Of the log's last event; undefined: it is empty. */
export const positionNow = async ({ store }: AdminSession): Promise<bigint | undefined> =>
  (await store.head())?.position

interface Following {
  operatorId: string
  /** undefined: from the log's beginning. */
  after: bigint | undefined
  signal: AbortSignal
  isWanted?(event: Recorded): boolean
  onMessage(message: Message, isResent: boolean): Promise<void>
}

/** Each event that the operator is told of, in the log's order, and again where a replay asks for it. Resolves on abort. */
export async function followWebhooks(
  { followEvents }: AdminTools,
  session: AdminSession,
  { operatorId, after, signal, isWanted = () => true, onMessage }: Following,
): Promise<void> {
  const messageOf = createMessageOf(session, operatorId)
  let last = after

  async function take(event: Recorded): Promise<void> {
    if (event.type !== REPLAY) {
      const message = await messageOf(event)
      if (message) await onMessage(message, false)
      return
    }
    for await (const source of sourcesOf(session, operatorId, event)) {
      const message = await messageOf(source)
      if (message) await onMessage(message, true)
    }
  }

  await followEvents(session, {
    ...{ name: 'listen', types: ['noctant.'], signal },
    from: () => last,
    async onBatch(events) {
      for (const event of events) {
        if (signal.aborted) return
        if (!isPoison(event) && isWanted(event)) await take(event)
        last = event.position
      }
    },
  })
}

const isBefore = ({ position, recordedAt }: Recorded, since: Moment): boolean =>
  'position' in since ? position <= since.position : recordedAt <= since.time

/** What the operator is told of an event: undefined where that is nothing. */
function createMessageOf({ bus, db }: AdminSession, operatorId: string) {
  const ownerOf = createOwnerOf({ bus, db, cachedMax: CACHED_MAX, waitMaxMs: OWNER_WAIT_MAX_MS })
  return async (event: Recorded): Promise<Message | undefined> => {
    const published = partnerEventOf(event)
    const owner = published && (await ownerOf(event))
    if (!published || owner?.tenantId !== operatorId) return undefined
    return { id: event.id, eventType: published.type, body: payloadOf(event, published, owner) }
  }
}

/** The events that were asked for again, in the log's order. */
async function* sourcesOf({ store }: AdminSession, operatorId: string, { data }: Recorded): AsyncIterable<Recorded> {
  if (data.operatorId !== operatorId) return
  for (const { stream, revision } of data.sources as { stream: string; revision: string }[]) {
    yield* store.readStream(stream, { from: BigInt(revision), maxCount: 1n })
  }
}
