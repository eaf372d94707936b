/** What the failure of an append means: a conflict, a permanent refusal, or an unknown outcome. */
import type { AppendOutcome } from '../eventstore/append.ts'
import { failureOf } from '../eventstore/failure.ts'

/**
 * The event store refuses these events permanently: they are too large, their stream was deleted for ever, or this user may
 * not write. Nothing was written.
 */
export class AppendRefused extends Error {
  override name = 'AppendRefused'
  readonly isTooLarge: boolean
  constructor(message: string, isTooLarge: boolean) {
    super(message)
    this.isTooLarge = isTooLarge
  }
}

export type Unsuccessful = Exclude<AppendOutcome, { kind: 'appended' }>

export const isConflict = (outcome: Unsuccessful): boolean =>
  outcome.kind === 'failed' && outcome.reason === 'WrongExpectedVersion'

/** Why the store refuses an append permanently; undefined where another try may succeed. */
export function refusalOf(outcome: Unsuccessful, stream: string): AppendRefused | undefined {
  if (outcome.kind !== 'failed') {
    if (failureOf(outcome.error).kind !== 'denied') return undefined
    return new AppendRefused(`the event store does not let this user write to ${stream}`, false)
  }
  const { reason, message } = outcome
  if (reason === 'MaximumAppendSizeExceeded') {
    return new AppendRefused(`the events for ${stream} are too large for the event store: ${message}`, true)
  }
  if (!PERMANENT.includes(reason)) return undefined
  return new AppendRefused(`the event store refuses events for ${stream}: ${reason} ${message}`.trim(), false)
}

/** The protocol's names of permanent failures (streams.proto and its errors). */
const PERMANENT = ['StreamDeleted', 'AccessDenied', 'BadRequest', 'InvalidTransaction']

export const errorOf = (outcome: Unsuccessful): Error =>
  outcome.kind === 'failed' ? new Error(`${outcome.reason}: ${outcome.message}`) : outcome.error
