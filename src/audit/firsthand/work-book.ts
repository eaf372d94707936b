/**
 * Work and what it is paid, over all streams: a job is posted as it was paid for, ends with as many files as were approved,
 * gives back what it did not use, and each approved file's payout reaches its worker once. So earnings and fees together are
 * what the approved files cost. What is asked stands before what is done, so that only what is under way is remembered.
 */
import type { AnyEvent } from '../../events/event.ts'
import type { Book, OpenBook } from '../declarations.ts'

/** Jobs and payouts under way at a time, each; beyond them the oldest are forgotten, and then not missed either. */
const UNDER_WAY_MAX = 500_000

interface PaidJob {
  price: bigint
  payout: bigint
  /** Approved so far. */
  files: number
  isTest: boolean
}

const amountOf = (value: unknown): bigint => (typeof value === 'string' && /^\d+$/.test(value) ? BigInt(value) : 0n)

export const workBook: Book = { name: 'work and what it is paid', open: openWorkBook }

function openWorkBook(isFromStart: boolean): OpenBook {
  let hasForgotten = !isFromStart
  /** Job → what it pays for a file. */
  const jobs = new Map<string, PaidJob>()
  /** Job → what its end gives back. */
  const refunds = new Map<string, bigint>()
  /** Submission → what its worker is to get. */
  const payouts = new Map<string, bigint>()

  function remember<T>(memory: Map<string, T>, key: string, value: T): void {
    memory.set(key, value)
    if (memory.size <= UNDER_WAY_MAX) return
    const [oldest] = memory.keys()
    if (oldest !== undefined) memory.delete(oldest)
    hasForgotten = true
  }

  function held(data: AnyEvent['data']): string[] {
    const job = (data.job ?? {}) as Record<string, unknown>
    const paid = { price: amountOf(job.pricePerFileCents), payout: amountOf(job.workerPayoutPerFileCents) }
    remember(jobs, String(job.jobId), { ...paid, files: 0, isTest: data.environment === 'test' })
    return paid.payout > paid.price ? [`a worker gets ${paid.payout} cents out of a price of ${paid.price}`] : []
  }

  function approved(data: AnyEvent['data']): string[] {
    const job = jobs.get(String(data.jobId))
    if (!job) return hasForgotten ? [] : [`a file of ${String(data.jobId)} was approved, which nobody paid for`]
    job.files += 1
    const payout = amountOf(data.payoutCents)
    if (payout > 0n) remember(payouts, String(data.submissionId), payout)
    const expected = job.isTest ? 0n : job.payout
    return payout === expected ? [] : [`the job pays ${expected} cents for a file, but ${payout} were granted`]
  }

  function ended(data: AnyEvent['data']): string[] {
    const job = jobs.get(String(data.jobId))
    if (!job) return hasForgotten ? [] : [`${String(data.jobId)} ended, which nobody paid for`]
    jobs.delete(String(data.jobId))
    if (typeof data.refundCents === 'string') remember(refunds, String(data.jobId), amountOf(data.refundCents))
    return job.files === data.filesApproved
      ? []
      : [`${job.files} files were approved, but it ended with ${String(data.filesApproved)}`]
  }

  /** Closes a question: what was done is what was agreed. */
  function settle(agreed: Map<string, bigint>, key: string, amount: unknown, of: string): string[] {
    const expected = agreed.get(key)
    if (expected === undefined) return hasForgotten ? [] : [`${of} of ${key} was never agreed, or came twice`]
    agreed.delete(key)
    return expected === amountOf(amount) ? [] : [`${of} of ${key} was agreed as ${expected}, but is ${String(amount)}`]
  }

  return {
    enter({ type, data }) {
      switch (type) {
        case 'firsthand.EscrowHeld.v1':
          return held(data)
        case 'firsthand.JobPosted.v1':
          return jobs.has(String(data.jobId)) || hasForgotten ? [] : [`${String(data.jobId)} was posted without money`]
        case 'firsthand.SubmissionApproved.v1':
          return approved(data)
        case 'firsthand.JobCompleted.v1':
        case 'firsthand.JobCancelled.v1':
          return ended(data)
        case 'firsthand.EscrowRefunded.v1':
          return settle(refunds, String(data.jobId), data.amountCents, 'the refund')
        case 'firsthand.EarningCredited.v1':
          return settle(payouts, String(data.submissionId), data.amountCents, 'the earning')
        default:
          return []
      }
    },
  }
}

/** What a worker is owed: each event's amount makes the balance that it states. */
export const earningsBook: Book = {
  name: 'the earnings of a worker',
  open(isFromStart) {
    let balance: bigint | undefined = isFromStart ? 0n : undefined
    return {
      enter({ type, data }) {
        if (typeof data.balanceCents !== 'string') return []
        const amount = type === 'firsthand.EarningsPaid.v1' ? -amountOf(data.amountCents) : amountOf(data.amountCents)
        const [before, stated] = [balance, amountOf(data.balanceCents)]
        balance = stated
        if (before === undefined || before + amount === stated) return []
        return [`${stated} cents are owed, but ${before} and a change of ${amount} make ${before + amount}`]
      },
    }
  },
}
