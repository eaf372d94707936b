/**
 * What it takes to tell partners of an event: a public name and a choice of its facts, in snake case. The catalogue is in
 * partner-events.ts.
 */
import type { EventOf } from '../event.ts'
import type { PublishedEvent } from '../published.ts'
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

/** An entry of the catalogue; the compiler knows the event's fields. */
export const told = <T extends SourceType>(
  source: T,
  type: string,
  says: string,
  fields: readonly (keyof DataOf<T> & string)[],
  only?: (data: DataOf<T>) => boolean,
): readonly [string, PublishedEvent] => {
  const entry = { type, says, fields }
  // The registry has decoded every event by its type, which is what makes the narrower parameter true.
  return [source, only ? { ...entry, only: only as unknown as NonNullable<PublishedEvent['only']> } : entry]
}
