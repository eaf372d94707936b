/**
 * A job: posted once it is paid for, ended once. Its own stream decides between an approval and the end, so that what goes
 * back to the wallet follows from it.
 */
import { Decimal } from 'decimal.js'
import type { JobEvent, JobFacts } from '../../events/firsthand/job.ts'
import type { Environment, JobStatus } from '../../events/firsthand/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export type JobState =
  | { status: 'absent' }
  | { status: JobStatus; facts: JobFacts; filesApproved: number; endedAt: string | null }

/** Whose job it is to be. */
export interface JobOwner {
  organizationId: string
  environment: Environment
}

export type JobCommand = { kind: 'post'; facts: JobFacts } | { kind: 'cancel'; owner: JobOwner; at: string }

export const job: Aggregate<JobState, JobCommand, JobEvent> = {
  category: 'firsthand.job',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'firsthand.JobPosted.v1') {
      return { status: 'open', facts: event.data, filesApproved: 0, endedAt: null }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'firsthand.JobCancelled.v1':
        return { ...state, status: 'cancelled', endedAt: event.data.occurredAt }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    switch (command.kind) {
      case 'post':
        return state.status === 'absent' ? [{ type: 'firsthand.JobPosted.v1', data: command.facts }] : []
      case 'cancel': {
        if (state.status === 'absent' || !isOwn(state.facts, command.owner)) throw jobNotFound()
        if (state.status === 'cancelled') return []
        if (state.status === 'completed') throw new Rejected('job_completed', 'The job is completed.')
        const { organizationId, environment, jobId } = state.facts
        const { filesApproved } = state
        const refundCents = refundOf(state.facts, filesApproved).toString()
        const data = { organizationId, environment, jobId, filesApproved, refundCents, occurredAt: command.at }
        return [{ type: 'firsthand.JobCancelled.v1', data }]
      }
      default:
        return command satisfies never
    }
  },
}

const isOwn = (facts: JobFacts, { organizationId, environment }: JobOwner): boolean =>
  facts.organizationId === organizationId && facts.environment === environment

/** The same for another organization's job, and for one of the other environment, as for none. */
export const jobNotFound = () => new Rejected('job_not_found', 'There is no such job.')

/** What a job's end leaves of its hold: in the test environment nothing was held. */
export const refundOf = (facts: JobFacts, filesApproved: number): bigint =>
  facts.environment === 'test' ? 0n : BigInt(facts.pricePerFileCents) * BigInt(facts.filesNeeded - filesApproved)

/** Where the organization has set none. */
const PLATFORM_FEE_PCT = '0.2'

/** A job's price in parts, with the fee as the organization has it now. The fraction of a cent is the worker's. */
export function pricesOf(filesNeeded: number, pricePerFileCents: number, feePct: string | null) {
  const platformFeePct = feePct ?? PLATFORM_FEE_PCT
  const fee = new Decimal(pricePerFileCents).times(platformFeePct).floor()
  return {
    pricePerFileCents: String(pricePerFileCents),
    platformFeePct,
    totalCostCents: (BigInt(filesNeeded) * BigInt(pricePerFileCents)).toString(),
    workerPayoutPerFileCents: new Decimal(pricePerFileCents).minus(fee).toFixed(),
  }
}
