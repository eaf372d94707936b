/** What the failure of an append means: a conflict, a refusal for good, or that nothing is known. */
import type { AppendOutcome } from '../eventstore/append.ts'
import { isDenied } from '../eventstore/failure.ts'

/**
 * The event store will not take these events, however often they are sent: they are too large for it, their stream was
 * deleted for ever, or it does not let this user write. Nothing was written.
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

/** Why the store takes an append at no time; undefined where another try may succeed. */
export function refusalOf(outcome: Unsuccessful, stream: string): AppendRefused | undefined {
  if (outcome.kind !== 'failed') {
    if (!isDenied(outcome.error)) return undefined
    return new AppendRefused(`the event store lets this user not write to ${stream}`, false)
  }
  const { reason, message } = outcome
  if (reason === 'MaximumAppendSizeExceeded') {
    return new AppendRefused(`the events for ${stream} are larger than the event store takes: ${message}`, true)
  }
  if (!PERMANENT.includes(reason)) return undefined
  return new AppendRefused(`the event store refuses events for ${stream}: ${reason} ${message}`.trim(), false)
}

/** The protocol's names of failures that another try cannot mend (streams.proto and its errors). */
const PERMANENT = ['StreamDeleted', 'AccessDenied', 'BadRequest', 'InvalidTransaction']

export const errorOf = (outcome: Unsuccessful): Error =>
  outcome.kind === 'failed' ? new Error(`${outcome.reason}: ${outcome.message}`) : outcome.error
