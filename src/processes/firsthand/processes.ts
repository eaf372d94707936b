/** Firsthand's processes: which role runs each, what it is called, and its limits from the settings. */
import type { ContextParts, ProcessDeclaration, RunningProcess } from '../../context.ts'
import { newProcessHealth } from '../process.ts'
import { firsthandSettings } from './settings.ts'
import { runSettlement, SETTLEMENT } from './settlement.ts'

function startSettlement({ bus, settings, dependenciesOf }: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const { FIRSTHAND_SWEEP_INTERVAL_MS: intervalMs, FIRSTHAND_SWEEP_BATCH_MAX: batchMax } = settings(firsthandSettings)
  const ended = runSettlement({ ...dependenciesOf(SETTLEMENT, health), bus, sweep: { intervalMs, batchMax } })
  return { ended, health }
}

export const firsthandProcesses: readonly ProcessDeclaration[] = [
  { leads: [SETTLEMENT], role: 'relay', start: startSettlement },
]
