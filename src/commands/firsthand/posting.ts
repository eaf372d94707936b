/**
 * What takes two streams. A job is posted when its wallet holds what it costs, and the wallet takes back what it did not
 * use when it has ended; never the other way round, for a job without money must not exist. A crash in between is made
 * good by whoever comes first: the same request sent again, or the settlement process. The second step of each follows from
 * the first one's event alone, so that all of them take the same one.
 */
import type { JobEvent, JobFacts } from '../../events/firsthand/job.ts'
import { stepContext } from '../context.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { type JobOwner, type JobState, job } from './job.ts'
import { wallet, walletIdOf } from './wallet.ts'
import type { TopUpRule } from './wallet-top-ups.ts'
import { worker } from './worker.ts'

type ApprovedEvent = Extract<JobEvent, { type: 'firsthand.SubmissionApproved.v1' }>

/**
 * Holds what the job costs and posts it; `topUp` says when credits are then to be bought. Answers with the job as it was paid for, now
 * or at the first time.
 */
export async function postJob(bus: CommandBus, facts: JobFacts, topUp: TopUpRule | null, context: CommandContext) {
  const { organizationId, environment } = facts
  const of = { organizationId, environment }
  const command = { kind: 'hold', wallet: of, job: facts, topUp, at: context.at } as const
  const { events, replayed } = await bus.handle(wallet, walletIdOf(of), command, context)
  const held = events.findLast((event) => event.type === 'firsthand.EscrowHeld.v1')
  if (!held) throw new Error(`${facts.jobId} was neither paid for nor refused`)
  const { position } = await finishPosting(bus, held.data.job, context, !replayed)
  return { facts: held.data.job, handled: { position, replayed } }
}

/** The second step: the job whose hold is in the log, a moment ago or since longer. */
export const finishPosting = (bus: CommandBus, facts: JobFacts, context: CommandContext, startsStream = false) =>
  bus.handle(job, facts.jobId, { kind: 'post', facts }, { ...followUp('post', facts.jobId, context), startsStream })

/** Ends the job and gives back what it did not use. */
export async function cancelJob(
  bus: CommandBus,
  jobId: string,
  owner: JobOwner,
  context: CommandContext,
): Promise<Handled<JobState, JobEvent>> {
  const cancelled = await bus.handle(job, jobId, { kind: 'cancel', owner, at: context.at }, context)
  const { position } = await finishCancelling(bus, { ...owner, jobId, ...approvedIn(cancelled.state) }, context)
  return { ...cancelled, position: position ?? cancelled.position }
}

const approvedIn = (state: JobState) => ({ filesApproved: state.status === 'absent' ? 0 : state.filesApproved })

/** The second step: the refund of a job whose end is in the log. */
export function finishCancelling(
  bus: CommandBus,
  { jobId, filesApproved, ...rest }: JobOwner & { jobId: string; filesApproved: number },
  context: CommandContext,
) {
  const of = { organizationId: rest.organizationId, environment: rest.environment }
  const command = { kind: 'refund', wallet: of, jobId, filesApproved, at: context.at } as const
  return bus.handle(wallet, walletIdOf(of), command, followUp('refund', jobId, context))
}

/** The second step where a job has all of its files: its hold is paid out. */
export function finishCompleting(
  bus: CommandBus,
  { jobId, filesApproved, ...rest }: JobOwner & { jobId: string; filesApproved: number },
  context: CommandContext,
) {
  const of = { organizationId: rest.organizationId, environment: rest.environment }
  const command = { kind: 'settle', wallet: of, jobId, filesApproved, at: context.at } as const
  return bus.handle(wallet, walletIdOf(of), command, followUp('settle', jobId, context))
}

/** What an approval leads to: the worker is owed the payout. In the test world nobody is owed anything. */
export async function creditEarning(
  bus: CommandBus,
  approved: Pick<ApprovedEvent['data'], 'environment' | 'workerId' | 'submissionId' | 'jobId' | 'payoutCents'>,
  context: CommandContext,
): Promise<void> {
  const { environment, workerId, submissionId, jobId, payoutCents } = approved
  if (environment === 'test') return
  const amountCents = BigInt(payoutCents)
  const command = { kind: 'credit', workerId, submissionId, jobId, amountCents, at: context.at } as const
  await bus.handle(worker, workerId, command, followUp('credit', submissionId, context))
}

const followUp = (step: 'post' | 'refund' | 'settle' | 'credit', id: string, context: CommandContext): CommandContext =>
  stepContext(context, deterministicId('firsthand.settlement', step, id))
