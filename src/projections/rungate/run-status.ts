/** How a run stands that its desk has forgotten: it ended long ago. */
import { preparedOne } from './tables.ts'

/** Of this agent's run; undefined: there is none of this id. */
export const findRunStatus = preparedOne((db, agentId: string, runId: string) =>
  db.selectFrom('rungate_runs').select('status').where('run_id', '=', runId).where('agent_id', '=', agentId),
)
