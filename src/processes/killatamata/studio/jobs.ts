/** What the studio asks of media jobs: to price them, and to run those of a plan, all or none. */
import type { CommandContext } from '../../../commands/handle.ts'
import type { ExecutedJob, PlannedJob } from '../../../events/killatamata/agent.ts'

export interface AskedJob {
  task: string
  input: Record<string, unknown>
}

export interface PricedJob {
  /** Complete, with every default. */
  input: Record<string, unknown>
  usdMicros: bigint
  /** What runs later, at this price. */
  stored: PlannedJob['stored']
}

/** The job cannot run as it was asked for; the sentence says why. */
export class JobUnusable extends Error {
  override name = 'JobUnusable'
}

export interface PaidJobs {
  /** The tasks that there are. */
  tasks: readonly string[]
  /** Nothing is held. Rejects with JobUnusable, and with Rejected where the input is no good. */
  price(job: AskedJob): Promise<PricedJob>
  /**
   * Holds the money of all jobs of a plan and lets them run, once, however often it is asked. Rejects with Rejected
   * (insufficient_balance), and nothing is held then.
   */
  submit(
    accountId: string,
    planId: string,
    jobs: readonly PlannedJob['stored'][],
    context: CommandContext,
  ): Promise<{ jobs: ExecutedJob[]; position: bigint | undefined }>
  /** Whether the plan has a job. */
  hasBegun(planId: string): Promise<boolean>
}
