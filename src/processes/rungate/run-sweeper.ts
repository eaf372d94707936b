/**
 * Ends runs that nobody uses, expires calls that nobody settled in their time, and tells desks of approvals that were decided. The
 * desks decide; this finds where clock or people have something to say, and a second look finds nothing more.
 */
import { consequenceContext, systemContext } from '../../commands/context.ts'
import { deterministicId } from '../../commands/identity.ts'
import type { DeskUpkeep } from '../../commands/rungate/desk/interface.ts'
import type { Recorded } from '../../events/event.ts'
import type { ApprovalEvent } from '../../events/rungate/approval.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import {
  type DueDesk,
  desksWithIdleRuns,
  desksWithLateCalls,
  desksWithOldCalls,
} from '../../projections/rungate/open-call.ts'
import { createDueWork, type DueWork, usualPace } from '../due-work.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'

export const RUN_SWEEPER = 'rungate-run-sweeper'

export interface SweeperLimits {
  /** Between two looks for idle runs, and for late calls. */
  runsIntervalMs: number
  callsIntervalMs: number
  /** Desks that one look finds. */
  batchMax: number
}

interface Options extends ProcessDependencies {
  desks: Pick<DeskUpkeep, 'sweep' | 'expireOf' | 'noteApproval'>
  limits: SweeperLimits
  /** Calls that began before are of processes that are gone, since all of them ended with the services that start here. */
  processesGoneBefore: Date | undefined
}

type Find = (db: Options['db'], now: string, limit: number) => Promise<(DueDesk & { process_ids?: string[] })[]>
interface Due {
  id: string
  key: string
  accountId: string
  gone: readonly string[]
}

function createSweep(name: string, intervalMs: number, find: Find, options: Options): DueWork<Due> {
  const { db, log, pace = usualPace, now = () => new Date(), desks, limits } = options
  return createDueWork<Due>({
    ...{ name, log, now },
    limits: {
      ...{ ...pace, keyConcurrencyMax: 1, keyQueueMax: 1 },
      ...{ batchMax: limits.batchMax, pollIntervalMs: intervalMs },
    },
    async findDue({ now: time, limit }) {
      const due = await find(db, time.toISOString(), limit)
      return due.map(({ agent_id: id, account_id: accountId, process_ids: gone = [] }) => ({
        id,
        key: id,
        accountId,
        gone,
      }))
    },
    async work({ id: agentId, accountId, gone }) {
      const at = now().toISOString()
      const context = systemContext(RUN_SWEEPER, deterministicId('rungate.sweep', agentId, at), at)
      for (const processId of gone) await desks.expireOf({ accountId, agentId }, processId, context)
      if (gone.length === 0) await desks.sweep({ accountId, agentId }, context)
    },
  })
}

const APPROVED = 'rungate.ApprovalApproved.v1'
const REJECTED = 'rungate.ApprovalRejected.v1'
type Decided = Recorded<Extract<ApprovalEvent, { type: typeof APPROVED | typeof REJECTED }>>

async function noteApproval({ desks, now = () => new Date() }: Options, event: Decided): Promise<void> {
  const { accountId, agentId, runId, approvalId } = event.data
  const decision = event.type === APPROVED ? 'approved' : 'rejected'
  const context = consequenceContext(RUN_SWEEPER, event, now().toISOString())
  await desks.noteApproval({ accountId, agentId }, { runId, approvalId, decision }, context)
}

/** Runs until `signal` aborts; stands by while another process leads. */
export const runRunSweeper = (options: Options): Promise<void> =>
  runProcess(
    {
      name: RUN_SWEEPER,
      types: [APPROVED, REJECTED],
      async handle(events: Delivered[]) {
        for (const event of events) if (!isPoison(event)) await noteApproval(options, event as unknown as Decided)
      },
      background(signal) {
        const { limits, processesGoneBefore: gone } = options
        const old: Find = (db, _, limit) => desksWithOldCalls(db, gone?.toISOString() ?? '-infinity', limit)
        const sweeps = [
          createSweep('end of idle runs', limits.runsIntervalMs, desksWithIdleRuns, options),
          createSweep('expiry of calls', limits.callsIntervalMs, desksWithLateCalls, options),
          ...(gone ? [createSweep('expiry of lost calls', limits.callsIntervalMs, old, options)] : []),
        ]
        return sweeps.map((sweep) => sweep.run(signal))
      },
    },
    options,
  )
