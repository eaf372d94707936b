/** The process that runs prompts. What a job may be says the contract's schema, which HTTP has: it is loaded where a run needs it. */
import type { ContextParts, ProcessDeclaration, RunningProcess } from '../../../context.ts'
import { newProcessHealth } from '../../process.ts'
import { openMedia } from '../media/opening.ts'
import type { Sandbox } from '../sandbox-parts.ts'
import { killatamataSettings } from '../settings.ts'
import type { ReadJob } from './media-jobs.ts'
import { openAgent } from './opening.ts'
import { AGENT, runAgent } from './running.ts'

export const agentProcess = (sandbox: Sandbox, loadReadJob: () => Promise<ReadJob>): ProcessDeclaration => ({
  leads: [AGENT],
  role: 'relay',
  start: (parts) => startAgent(parts, sandbox, loadReadJob),
})

function startAgent(parts: ContextParts, sandbox: Sandbox, loadReadJob: () => Promise<ReadJob>): RunningProcess {
  const health = newProcessHealth()
  const given = parts.settings(killatamataSettings)
  const running = {
    concurrencyMax: given.AGENT_CONCURRENCY_MAX,
    intervalMs: given.AGENT_POLL_INTERVAL_MS,
    batchMax: given.AGENT_POLL_BATCH_MAX,
  }
  async function run(): Promise<void> {
    const standIns = await sandbox(parts)
    const { media, close } = await openMedia(parts, 'agent', { size: 1, sandboxOrigin: () => standIns?.url })
    try {
      const agent = openAgent(parts, media, await loadReadJob(), standIns)
      await runAgent({ ...parts.dependenciesOf(AGENT, health), agent, running })
    } finally {
      await close()
    }
  }
  return { ended: run(), health }
}
