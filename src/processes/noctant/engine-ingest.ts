/**
 * Takes the engine's events into the log: each goes to its account's engine stream under the WAL event's own id, at the
 * revision that its sequence calls for, and is acknowledged after the append. So a duplicate is a no-op, a gap shows as
 * a sequence ahead of the stream (the engine is asked to send again, and the later events wait), and an event that
 * contradicts what was recorded, or that cannot be read, is set aside in a quarantine stream for people to look at.
 * Everything recorded follows from the message alone, so two ingests at work would write the same bytes.
 */

import { deterministicId } from '../../commands/identity.ts'
import type { Cause } from '../../events/event.ts'
import { type EventStore, type NewEvent, WrongExpectedRevision } from '../../events/store.ts'
import { type EngineEvent, engineEventSchema } from '../../gateway/contract.ts'
import type { MessageStream, StreamMessage } from '../../gateway/stream.ts'
import type { Log } from '../../log.ts'
import { crashPoint } from '../../runtime/crash-points.ts'
import { createLru, type Lru } from '../../runtime/lru.ts'

export interface IngestOptions {
  stream: MessageStream
  store: EventStore
  log: Log
  ackPendingMax: number
  ackWaitMs: number
  accountsCacheMax: number
  resendIntervalMs: number
  signal: AbortSignal
  /** Called when a message was set aside; a metric counts them. */
  onQuarantined?: () => void
  onGap?: () => void
  /** Called when the engine's decision on a command is recorded. */
  onDecided?: (commandId: string, outcome: string) => Promise<void>
}

/** Events of one append at most. */
const APPEND_BATCH_MAX = 200
/** So often an event has come before what is missing in front of it counts as a gap; before that it may be on its way. */
const GAP_DELIVERIES = 4
/** What is kept of a message that cannot be read. */
const QUARANTINED_BODY_MAX_BYTES = 65_536

interface Tail {
  /** Sequence that the stream is waiting for. */
  next: number
  lastHash: string
}

interface Incoming {
  message: StreamMessage
  event: EngineEvent
}

/** Runs until `signal` aborts. Messages that could not be entered for now are delivered again by the stream. */
export async function runEngineIngest(options: IngestOptions): Promise<void> {
  const tails = createLru<string, Tail>(options.accountsCacheMax)
  const resendAskedMs = createLru<string, number>(10_000, { ttlMs: options.resendIntervalMs })
  const batches = options.stream.consume('events', {
    durable: 'opslog-ingest',
    maxAckPending: options.ackPendingMax,
    ackWaitMs: options.ackWaitMs,
    takesOver: true,
    signal: options.signal,
  })
  for await (const batch of batches) {
    const byAccount = Map.groupBy(batch, (message) => message.key)
    const accounts = [...byAccount].map(([key, messages]) =>
      enter(options, tails, resendAskedMs, key, messages).catch((error) => {
        tails.delete(key)
        options.log.warn({ err: error, accountId: key }, 'engine events could not be recorded; they will come again')
        for (const message of messages) message.nak(options.resendIntervalMs)
      }),
    )
    await Promise.all(accounts)
  }
}

/** Enters the messages of one account, in the order of their sequences. */
async function enter(
  options: IngestOptions,
  tails: Lru<string, Tail>,
  resendAskedMs: Lru<string, number>,
  key: string,
  messages: StreamMessage[],
): Promise<void> {
  const incoming: Incoming[] = []
  for (const message of messages) {
    const event = parse(message)
    if (event) incoming.push({ message, event })
    else await quarantine(options, key, message, 'the message does not fit the contract')
  }
  incoming.sort((a, b) => a.event.sequence - b.event.sequence)
  const tail = tails.get(key) ?? (await readTail(options.store, key))
  const run: Incoming[] = []
  const ahead: Incoming[] = []
  for (const each of incoming) {
    const expected = tail.next + run.length
    if (each.event.sequence === expected) run.push(each)
    else if (each.event.sequence < tail.next) await settleDuplicate(options, key, each)
    else if (each.event.sequence < expected) settleTwin(options, run, each, tail.next)
    else ahead.push(each)
  }
  for (let start = 0; start < run.length; start += APPEND_BATCH_MAX) {
    const part = run.slice(start, start + APPEND_BATCH_MAX)
    crashPoint('ingest.before-append', part)
    await appendRun(options.store, key, tail, part)
    crashPoint('ingest.after-append', part)
    for (const { message } of part) message.ack()
    await tellDecided(part, options)
  }
  tails.set(key, tail)
  for (const each of ahead) await waitForGap(options, resendAskedMs, key, each, tail.next)
}

async function tellDecided(run: readonly Incoming[], { onDecided }: IngestOptions): Promise<void> {
  for (const { event } of run) {
    if (event.type === 'CommandDecided' && event.commandId !== null)
      await onDecided?.(event.commandId, event.data.outcome)
  }
}

async function appendRun(store: EventStore, key: string, tail: Tail, run: Incoming[]): Promise<void> {
  const revision = tail.next === 1 ? undefined : BigInt(tail.next - 2)
  const { lastHash } = await store.append(engineStream(key), revision, tail.lastHash, run.map(toNewEvent))
  tail.next += run.length
  tail.lastHash = lastHash
}

const engineStream = (accountId: string): string => `noctant.engine-${accountId}`

async function readTail(store: EventStore, accountId: string): Promise<Tail> {
  const last = await store.readLast(engineStream(accountId))
  if (!last) return { next: 1, lastHash: '' }
  return { next: Number(last.revision) + 2, lastHash: last.metadata.hash }
}

function toNewEvent({ event }: Incoming): NewEvent {
  const { eventId, accountId, sequence, commandId, occurredAt } = event
  const cause: Cause = {
    $correlationId: commandId ?? eventId,
    $causationId: commandId ?? eventId,
    actor: { kind: 'engine', id: 'reference' },
    commandId: commandId ?? eventId,
  }
  const data = { accountId, sequence, commandId, occurredAt, ...event.data }
  return { id: eventId, event: { type: typeOf(event), data }, cause }
}

/** The engine's `AccountOpened` is recorded as `noctant.EngineAccountOpened.v1`. */
const typeOf = (event: EngineEvent): string => `noctant.Engine${event.type}.v1`

function parse(message: StreamMessage): EngineEvent | undefined {
  try {
    const result = engineEventSchema.safeParse(
      JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(message.body)),
    )
    return result.success && result.data.accountId === message.key ? result.data : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}

/** Recorded before: the same event is acknowledged, another under the same sequence contradicts the record. */
async function settleDuplicate(options: IngestOptions, key: string, { message, event }: Incoming): Promise<void> {
  const from = BigInt(event.sequence - 1)
  for await (const known of options.store.readStream(engineStream(key), { from, maxCount: 1n })) {
    if (known.id !== event.eventId) continue
    message.ack()
    return
  }
  await quarantine(options, key, message, `sequence ${event.sequence} is recorded with another event`)
}

/** Twice in one batch. */
function settleTwin(options: IngestOptions, run: Incoming[], { message, event }: Incoming, first: number): void {
  const known = run[event.sequence - first]
  if (known?.event.eventId === event.eventId) message.ack()
  // It contradicts an event that is about to be recorded: it comes again and is then judged against the record.
  else message.nak(options.resendIntervalMs)
}

/** Ahead of the record: wait for what is missing, and ask the engine for it now and then. */
async function waitForGap(
  options: IngestOptions,
  resendAskedMs: Lru<string, number>,
  key: string,
  { message, event }: Incoming,
  expected: number,
): Promise<void> {
  message.nak(options.resendIntervalMs)
  if (resendAskedMs.has(key)) return
  resendAskedMs.set(key, Date.now())
  const facts = { accountId: key, expected, seen: event.sequence, deliveries: message.deliveryCount }
  // Where an append failed, the events behind it arrive before it comes again: nothing is missing then.
  if (message.deliveryCount < GAP_DELIVERIES) options.log.info(facts, 'engine events are out of order; asking for them')
  else {
    options.onGap?.()
    options.log.error(facts, 'gap in the engine’s log; asking for it again')
  }
  const body = new TextEncoder().encode(
    JSON.stringify({ kind: 'resend_events', accountId: key, fromSequence: expected }),
  )
  const messageId = `resend:${key}:${expected}:${message.sequence}:${message.deliveryCount}`
  await options.stream.publish('commands', key, messageId, body)
}

async function quarantine(options: IngestOptions, key: string, message: StreamMessage, reason: string): Promise<void> {
  options.onQuarantined?.()
  options.log.error({ accountId: key, reason, streamSequence: message.sequence.toString() }, 'engine event quarantined')
  const body = Buffer.from(message.body.subarray(0, QUARANTINED_BODY_MAX_BYTES)).toString('utf8')
  const id = deterministicId('quarantine', key, reason, body)
  const stream = `noctant.engineQuarantine-${deterministicId('quarantine', key)}`
  const occurredAt = new Date().toISOString()
  const event = { type: 'noctant.EngineEventQuarantined.v1', data: { accountId: key, reason, body, occurredAt } }
  const cause: Cause = { $correlationId: id, $causationId: id, actor: { kind: 'system', id: 'ingest' }, commandId: id }
  const last = await options.store.readLast(stream)
  try {
    await options.store.append(stream, last?.revision, last?.metadata.hash ?? '', [{ id, event, cause }])
    message.ack()
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error
    message.nak(options.resendIntervalMs)
  }
}
