/**
 * Takes commands from the stream to the desk. A message is acknowledged only when its decision is on disk; one that
 * was decided before is answered by sending its recorded events again.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { AccountCommand, ReplayCommand, ResendRequest } from '../gateway/contract.ts'
import { commandMessageSchema } from '../gateway/contract.ts'
import type { MessageStream, StreamMessage } from '../gateway/stream.ts'
import type { Log } from '../log.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import { span } from '../telemetry.ts'
import type { Desk } from './desk.ts'
import type { EngineLimits } from './options.ts'
import type { Publisher } from './publisher.ts'
import type { Replays } from './replay/replays.ts'
import type { InboxEntry } from './wal.ts'

export interface CommandCounts {
  decided: number
  repeated: number
  /** Commands put off because their account is not open. */
  postponed: number
  malformed: number
  failed: number
}

export interface ConsumerOptions {
  stream: MessageStream
  desk: Desk
  publisher: Publisher
  replays: Replays
  log: Log
  limits: EngineLimits
  /** Counted on as commands come. */
  counts: CommandCounts
  signal: AbortSignal
}

export function newCommandCounts(): CommandCounts {
  return { decided: 0, repeated: 0, postponed: 0, malformed: 0, failed: 0 }
}

const durable = 'engine'
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Consumes until the signal. */
export async function consumeCommands(options: ConsumerOptions): Promise<void> {
  const { limits, signal } = options
  while (!signal.aborted) {
    try {
      const batches = options.stream.consume('commands', {
        durable,
        maxAckPending: limits.commandsInFlightMax,
        ackWaitMs: limits.commandAckWaitMs,
        // The lock on the log lets one engine be at a time.
        takesOver: true,
        signal,
      })
      for await (const batch of batches) await Promise.all(batch.map((message) => traced(message, options)))
    } catch (error) {
      if (signal.aborted) return
      options.log.error({ err: error }, 'reading commands failed; trying again')
    }
    if (!signal.aborted) await delay(limits.streamPollMs)
  }
}

function traced(message: StreamMessage, options: ConsumerOptions): Promise<void> {
  const { traceparent: parent, deliveryCount } = message
  if (parent === undefined) return handle(message, options)
  const about = { 'opslog.delivery': deliveryCount }
  return span('engine decide', about, () => handle(message, options), { parent, kind: 'consumer' })
}

async function handle(message: StreamMessage, options: ConsumerOptions): Promise<void> {
  const parsed = parse(message)
  if (!parsed.success) {
    options.counts.malformed += 1
    const fields = { key: message.key, sequence: `${message.sequence}`, problem: parsed.problem }
    options.log.error(fields, 'a malformed command was dropped')
    message.ack()
  } else if (parsed.data.kind === 'resend_events') {
    resend(message, parsed.data, options)
  } else if (parsed.data.kind === 'start_replay') {
    replay(message, parsed.data, options)
  } else {
    await decide(message, parsed.data, options)
  }
}

/** Not awaited: a long history must not hold up commands. The message stays open until the last event is sent. */
function resend(message: StreamMessage, request: ResendRequest, options: ConsumerOptions): void {
  options.publisher.repeat(request.accountId, request.fromSequence, Number.MAX_SAFE_INTEGER).then(
    () => message.ack(),
    (error: unknown) => {
      options.log.warn({ err: error, accountId: request.accountId }, 'events could not be sent again; trying later')
      message.nak(options.limits.failedCommandDelayMs)
    },
  )
}

/**
 * Not awaited either: a backtest takes its time. One that is under way, or for which there is no room, is let go of, so
 * that many of them cannot hold up the accounts' commands; senders repeat what the log has not confirmed.
 */
function replay(message: StreamMessage, command: ReplayCommand, options: ConsumerOptions): void {
  const { replays, counts, limits, log } = options
  replays.submit(command).then(
    (answer) => {
      message.ack()
      if (answer === undefined) return
      if (answer.kind === 'repeated') answerAgain(answer.entry, options)
      counts[answer.kind === 'repeated' ? 'repeated' : 'decided'] += 1
    },
    (error: unknown) => {
      counts.failed += 1
      log.error({ err: error, commandId: command.commandId }, 'a replay was not decided; it will come again')
      message.nak(limits.failedCommandDelayMs)
    },
  )
}

async function decide(message: StreamMessage, command: AccountCommand, options: ConsumerOptions): Promise<void> {
  const { desk, counts, limits, log } = options
  try {
    const answer = await desk.submit({ kind: 'command', command })
    if (answer.kind === 'unknown_account') {
      counts.postponed += 1
      postpone(message, command.commandId, options)
      return
    }
    crashPoint('engine.before-ack', command)
    message.ack()
    if (answer.kind === 'repeated') {
      counts.repeated += 1
      answerAgain(answer.entry, options)
    } else {
      counts.decided += 1
    }
  } catch (error) {
    counts.failed += 1
    log.error({ err: error, commandId: command.commandId }, 'a command was not decided; it will come again')
    message.nak(limits.failedCommandDelayMs)
  }
}

/** Where the stream does not take the repetition, the sender asks once more. */
function answerAgain(entry: InboxEntry, options: ConsumerOptions): void {
  options.publisher.repeat(entry.accountId, entry.firstSequence, entry.lastSequence).catch((error: unknown) => {
    options.log.warn({ err: error, commandId: entry.key }, 'a repeated command was not answered; it will come again')
  })
}

/**
 * A command ahead of its account's opening waits outside. It does not wait for ever, as messages that are put off
 * count against those in flight; senders repeat what the log has not confirmed.
 */
function postpone(message: StreamMessage, commandId: string, options: ConsumerOptions): void {
  const { limits, log } = options
  const fields = { commandId, accountId: message.key, deliveryCount: message.deliveryCount }
  if (message.deliveryCount >= limits.unknownAccountDeliveriesMax) {
    log.warn(fields, 'a command for an account that never opened was dropped')
    message.ack()
    return
  }
  if (message.deliveryCount === 1) log.info(fields, 'a command waits for its account to be opened')
  message.nak(Math.min(limits.unknownAccountDelayMs * message.deliveryCount, limits.unknownAccountDelayMaxMs))
}

function parse(message: StreamMessage) {
  try {
    const result = commandMessageSchema.safeParse(JSON.parse(decoder.decode(message.body)))
    if (!result.success) return { success: false, problem: result.error.issues.slice(0, 3) } as const
    if (result.data.accountId !== message.key) {
      return { success: false, problem: 'the account differs from the subject' } as const
    }
    return { success: true, data: result.data } as const
  } catch (error) {
    return { success: false, problem: error instanceof Error ? error.message : String(error) } as const
  }
}
