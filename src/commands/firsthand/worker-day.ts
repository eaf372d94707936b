/** The claims of a worker on one UTC day, of which there are few enough that nobody hoards seats. */
import type { WorkerDayEvent } from '../../events/firsthand/worker-day.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

/** Claims of the day. */
export type WorkerDayState = readonly string[]

export interface TakeSlot {
  workerId: string
  claimId: string
  jobId: string
  /** Claims of a day. */
  slotsMax: number
  at: string
}

/** The UTC day of a time. */
const dateOf = (at: string): string => at.slice(0, 10)

/** The id of its stream. */
export const workerDayIdOf = ({ workerId, at }: { workerId: string; at: string }): string => `${workerId}_${dateOf(at)}`

export const workerDay: Aggregate<WorkerDayState, TakeSlot, WorkerDayEvent> = {
  category: 'firsthand.workerDay',
  initialState: [],
  evolve: (claims, event) => [...claims, event.data.claimId],
  decide({ workerId, claimId, jobId, slotsMax, at }, claims) {
    if (claims.includes(claimId)) return []
    if (claims.length >= slotsMax) {
      throw new Rejected(
        'daily_claims_reached',
        `A worker claims ${slotsMax} seats a day at most; midnight UTC is next.`,
      )
    }
    const data = { workerId, date: dateOf(at), claimId, jobId, taken: claims.length + 1, occurredAt: at }
    return [{ type: 'firsthand.SubmissionSlotTaken.v1', data }]
  },
}
