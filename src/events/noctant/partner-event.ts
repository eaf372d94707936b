/**
 * What it takes to tell partners of an event: a public name and a choice of its facts, in snake case. The catalogue is in
 * partner-events.ts.
 */
import type { EventOf } from '../event.ts'
import type { accountEvents } from './account.ts'
import type { challengeEvents } from './challenge.ts'
import type { engineEvents } from './engine.ts'
import type { engineCommandEvents } from './engine-command.ts'
import type { kycEvents } from './kyc.ts'
import type { launchSessionEvents } from './launch-session.ts'
import type { payoutEvents } from './payout.ts'
import type { userEvents } from './user.ts'

type Sources = typeof userEvents &
  typeof kycEvents &
  typeof accountEvents &
  typeof engineCommandEvents &
  typeof engineEvents &
  typeof challengeEvents &
  typeof payoutEvents &
  typeof launchSessionEvents
type SourceType = keyof Sources & string
type DataOf<T extends SourceType> = Extract<EventOf<Sources>, { type: T }>['data']

export interface PartnerEvent {
  /** What partners call it: `account.opened`. */
  type: string
  /** One sentence on when it comes. */
  says: string
  /** Members of the event's data that are passed on, in snake case. */
  fields: readonly string[]
  /** Which of the events of this type; absent: all. */
  only?: (data: Readonly<Record<string, unknown>>) => boolean
}

/** An entry of the catalogue; the compiler knows the event's fields. */
export const told = <T extends SourceType>(
  source: T,
  type: string,
  says: string,
  fields: readonly (keyof DataOf<T> & string)[],
  only?: (data: DataOf<T>) => boolean,
): readonly [string, PartnerEvent] => {
  const entry = { type, says, fields }
  // The registry has decoded every event by its type, which is what makes the narrower parameter true.
  return [source, only ? { ...entry, only: only as unknown as NonNullable<PartnerEvent['only']> } : entry]
}

/** `programAccountId` → `program_account_id`. */
export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The facts that are passed on, as partners read them: snake case down to the last member. */
export function partnerData(
  { fields }: PartnerEvent,
  data: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [snakeCase(field), inSnakeCase(data[field])]))
}

function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [snakeCase(name), inSnakeCase(member)]))
}
