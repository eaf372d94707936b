/**
 * The relay: engine commands from the log to the command stream, in order per account. A publish that the stream has
 * acknowledged is recorded as an event, which makes `nats_published`; that is not yet durable, so the sweeper sends
 * again what the engine's log has not confirmed, and after a bound gives the command up as dead-lettered.
 * Whatever dies in between is done again: records have deterministic ids, and the engine decides a command id once.
 */

import { deterministicId } from '../../commands/identity.ts'
import type { Cause, Recorded } from '../../events/event.ts'
import type { EngineCommandEvent } from '../../events/noctant/engine-command.ts'
import { type EventStore, WrongExpectedRevision } from '../../events/store.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import type { EngineCommand } from '../../gateway/contract.ts'
import type { MessageStream } from '../../gateway/stream.ts'
import type { Log } from '../../log.ts'
import type { CommandRequest, UnconfirmedCommand } from '../../projections/noctant/account-command.ts'
import { crashPoint } from '../../runtime/crash-points.ts'
import { span, traceparentNow } from '../../telemetry.ts'
import type { CommandTraces } from './command-traces.ts'

export const ENGINE_COMMAND_REQUESTED = 'noctant.EngineCommandRequested.v1'

export interface RelayDependencies {
  stream: MessageStream
  store: EventStore
  log: Log
  /** The installation's clock; default: this process's own. */
  now?: () => Date
  /** Absent: nobody asks when a command was sent. */
  traces?: Pick<CommandTraces, 'sent'>
}

export interface RelayOptions {
  /** Accounts served at once. */
  concurrencyMax: number
  /**
   * The log's head when the relay began: up to there a command may have been sent before, and one that is on record as
   * sent is left to the sweeper. So a lost checkpoint does not send all of history again.
   */
  historyEnd: bigint | undefined
}

/**
 * Publishes the commands among these events and records each. Accounts go side by side, the commands of one account one
 * after the other. Throws where the stream or the store is away; the same events may then be given again.
 */
export async function relayBatch(deps: RelayDependencies, events: Delivered[], options: RelayOptions): Promise<void> {
  const byAccount = new Map<string, Recorded[]>()
  for (const event of events) {
    if (event.type !== ENGINE_COMMAND_REQUESTED) continue
    if (isPoison(event)) {
      deps.log.error({ eventId: event.id, stream: event.stream, fault: event.fault }, 'engine command does not decode')
      continue
    }
    const { accountId } = event.data as CommandRequest
    const queue = byAccount.get(accountId)
    if (queue) queue.push(event)
    else byAccount.set(accountId, [event])
  }
  await inParallel([...byAccount.values()], options.concurrencyMax, async (queue) => {
    for (const event of queue) {
      const request = event.data as CommandRequest
      const mayBeSent = options.historyEnd !== undefined && event.position <= options.historyEnd
      if (mayBeSent && (await deps.store.readLast(commandStream(request.commandId)))) continue
      await send(deps, request, 0, causeOf(event, request.commandId))
    }
  })
}

/** Publishes one command and records it as sent for the `attempt`-th time after the first. */
function send(deps: RelayDependencies, request: CommandRequest, attempt: number, cause: Cause): Promise<void> {
  const { commandId, order, occurredAt: acceptedAt } = request
  const { traceparent: parent } = cause
  deps.traces?.sent(commandId, { traceparent: parent, acceptedAt })
  if (parent === undefined) return publish(deps, request, attempt, cause)
  const about = { 'opslog.command_id': commandId, 'opslog.command': order.kind, 'opslog.attempt': attempt }
  const work = () => publish(deps, request, attempt, { ...cause, traceparent: traceparentNow() ?? parent })
  return span('relay publish', about, work, { parent, kind: 'producer' })
}

async function publish(deps: RelayDependencies, request: CommandRequest, attempt: number, cause: Cause): Promise<void> {
  const { commandId, accountId, sequence, order, occurredAt } = request
  const message: EngineCommand = { commandId, accountId, sequence, attempt, issuedAt: occurredAt, ...order }
  const messageId = attempt === 0 ? commandId : `${commandId}:${attempt}`
  const body = new TextEncoder().encode(JSON.stringify(message))
  crashPoint('relay.before-publish', message)
  const receipt = await deps.stream.publish('commands', accountId, messageId, body, cause.traceparent)
  crashPoint('relay.after-publish', message)
  const type = attempt === 0 ? 'noctant.EngineCommandPublished.v1' : 'noctant.EngineCommandRepublished.v1'
  const data = {
    commandId,
    accountId,
    attempt,
    streamSequence: receipt.sequence.toString(),
    occurredAt: (deps.now?.() ?? new Date()).toISOString(),
  }
  await record(deps, { type, data }, attempt, cause)
  crashPoint('relay.after-record', message)
}

/** Appends to the command's own stream; a record that stands there already is as good. */
async function record(deps: RelayDependencies, event: EngineCommandEvent, attempt: number, cause: Cause) {
  const { commandId } = event.data
  const stream = commandStream(commandId)
  const last = attempt === 0 ? undefined : await deps.store.readLast(stream)
  const id = deterministicId('engineCommand', commandId, String(attempt), event.type)
  try {
    const revision = attempt === 0 ? undefined : BigInt(attempt - 1)
    await deps.store.append(stream, revision, last?.metadata.hash ?? '', [{ id, event, cause }])
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error
    deps.log.info({ commandId, attempt }, 'already recorded by another relay')
  }
}

export const commandStream = (commandId: string): string => `noctant.engineCommand-${commandId}`

/** What is done follows from this event. */
const causeOf = ({ id, metadata: { $correlationId, traceparent } }: Recorded, commandId: string): Cause => ({
  $correlationId,
  $causationId: id,
  actor: { kind: 'system', id: 'relay' },
  commandId,
  ...(traceparent !== undefined && { traceparent }),
})

export interface SweepLimits {
  republishBackoffMinMs: number
  republishBackoffMaxMs: number
  republishAttemptsMax: number
}

/** When a command is due to be sent again: the wait doubles with every send, from the minimum to the maximum. */
export function dueAt(sends: number, lastSentAt: Date, limits: SweepLimits): number {
  const wait = limits.republishBackoffMinMs * 2 ** Math.max(0, sends - 1)
  return lastSentAt.getTime() + Math.min(limits.republishBackoffMaxMs, wait)
}

type Unconfirmed = (query: { before: Date; limit: number }) => Promise<UnconfirmedCommand[]>

/** Unconfirmed commands that are due at `now`, the longest waiting first. One never sent is the subscription's to send. */
export async function dueCommands(
  unconfirmed: Unconfirmed,
  limits: SweepLimits,
  { now, limit }: { now: Date; limit: number },
): Promise<UnconfirmedCommand[]> {
  const before = new Date(now.getTime() - limits.republishBackoffMinMs)
  const isDue = ({ attempts, last_sent_at: sentAt }: UnconfirmedCommand) =>
    sentAt !== null && dueAt(attempts, new Date(sentAt), limits) <= now.getTime()
  return (await unconfirmed({ before, limit })).filter(isDue)
}

/** Sends an unconfirmed command again, or gives it up. */
export async function resend(
  deps: RelayDependencies,
  { request }: UnconfirmedCommand,
  limits: SweepLimits,
  now: Date,
): Promise<void> {
  const { commandId, accountId } = request
  const last = await deps.store.readLast(commandStream(commandId))
  if (!last || GIVEN_UP.includes(last.type)) return
  const attempt = Number(last.revision) + 1
  const cause = causeOf(last, commandId)
  if (attempt <= (await retriedAt(deps, commandId, attempt, limits)) + limits.republishAttemptsMax) {
    deps.log.warn({ commandId, accountId, attempt }, 'the engine has not confirmed the command; sending it again')
    return send(deps, request, attempt, cause)
  }
  const reason = `not confirmed by the engine after ${attempt} sends`
  deps.log.error({ commandId, accountId, attempts: attempt }, 'command dead-lettered')
  const data = { commandId, accountId, attempts: attempt, reason, occurredAt: now.toISOString() }
  await record(deps, { type: 'noctant.EngineCommandDeadLettered.v1', data }, attempt, cause)
}

/** After these nothing is sent any more, unless an administrator asks for it. */
const GIVEN_UP = ['noctant.EngineCommandDeadLettered.v1', 'noctant.EngineCommandDiscarded.v1']

/** The attempt from which sends are counted: 0, or where an administrator last asked for them anew. */
async function retriedAt({ store }: RelayDependencies, commandId: string, attempt: number, limits: SweepLimits) {
  if (attempt <= limits.republishAttemptsMax) return 0
  const events = await Array.fromAsync(store.readStream(commandStream(commandId)))
  const retry = events.findLast(({ type }) => type === 'noctant.EngineCommandRetryRequested.v1')
  return Number(retry?.revision ?? 0)
}

/** Runs `work` on every item, at most `max` at a time. Throws the first failure after all under way have ended. */
async function inParallel<T>(items: T[], max: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  const results = await Promise.allSettled(Array.from({ length: Math.min(max, items.length) }, worker))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}
