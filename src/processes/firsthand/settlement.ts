/**
 * Finishes what takes two streams: a job that is paid for is posted, a job's end is booked in its wallet, and an approved
 * submission is credited to its worker. A second time does nothing. Beside that it books the end of credits (expiry.ts)
 * and frees the seats of lapsed claims (lapsing.ts).
 */

import { consequenceContext } from '../../commands/context.ts'
import { job } from '../../commands/firsthand/job.ts'
import { creditEarning, finishCancelling, finishCompleting, finishPosting } from '../../commands/firsthand/posting.ts'
import type { CommandBus } from '../../commands/handle.ts'
import type { Recorded } from '../../events/event.ts'
import type { JobEvent } from '../../events/firsthand/job.ts'
import type { WalletEvent } from '../../events/firsthand/wallet.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import { createExpiry, type SweepLimits } from './expiry.ts'
import { createLapsing } from './lapsing.ts'
import { SETTLEMENT } from './process-names.ts'

const HELD = 'firsthand.EscrowHeld.v1'
const CANCELLED = 'firsthand.JobCancelled.v1'
const COMPLETED = 'firsthand.JobCompleted.v1'
const APPROVED = 'firsthand.SubmissionApproved.v1'
type Of<T extends (JobEvent | WalletEvent)['type']> = Recorded<Extract<JobEvent | WalletEvent, { type: T }>>

type Options = ProcessDependencies & { bus: CommandBus; sweep: SweepLimits }

/** Runs until `signal` aborts; stands by while another process leads. */
export function runSettlement(options: Options): Promise<void> {
  const handle = async (events: Delivered[]) => {
    for (const event of events) await settle(options, event)
  }
  const background = (signal: AbortSignal) => [createExpiry(options).run(signal), createLapsing(options).run(signal)]
  return runProcess({ name: SETTLEMENT, types: [HELD, CANCELLED, COMPLETED, APPROVED], handle, background }, options)
}

/** What is left to do after one event. Repeatable. */
async function settle(options: Options, event: Delivered): Promise<void> {
  const { bus, log } = options
  if (isPoison(event)) {
    const { id, stream, type, fault } = event
    log.error({ eventId: id, stream, type, fault }, 'an event about credits does not decode')
    return
  }
  if (event.type === HELD) {
    const { data } = event as Of<typeof HELD>
    const posted = await bus.load(job, data.job.jobId)
    if (posted.status === 'absent') await finishPosting(bus, data.job, contextOf(options, event))
  } else if (event.type === CANCELLED) {
    await finishCancelling(bus, (event as Of<typeof CANCELLED>).data, contextOf(options, event))
  } else if (event.type === COMPLETED) {
    await finishCompleting(bus, (event as Of<typeof COMPLETED>).data, contextOf(options, event))
  } else if (event.type === APPROVED) {
    await creditEarning(bus, (event as Of<typeof APPROVED>).data, contextOf(options, event))
  }
}

/** The steps name their commands by the job. */
const contextOf = ({ now = () => new Date() }: Options, event: Recorded) =>
  consequenceContext(SETTLEMENT, event, now().toISOString())
