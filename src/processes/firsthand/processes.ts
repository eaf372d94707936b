/** Firsthand's processes: which role runs each, what it is called, and its limits from the settings. */
import type { ContextParts, ProcessDeclaration, RunningProcess } from '../../context.ts'
import { newProcessFigures } from '../process.ts'
import { firsthandSettings } from './settings.ts'
import { runSettlement, SETTLEMENT } from './settlement.ts'

function startSettlement({ bus, settings, dependenciesOf }: ContextParts): RunningProcess {
  const figures = newProcessFigures()
  const { FIRSTHAND_SWEEP_INTERVAL_MS: intervalMs, FIRSTHAND_SWEEP_BATCH_MAX: batchMax } = settings(firsthandSettings)
  const ended = runSettlement({ ...dependenciesOf(SETTLEMENT, figures), bus, sweep: { intervalMs, batchMax } })
  return { ended, figures }
}

export const firsthandProcesses: readonly ProcessDeclaration[] = [
  { leads: [SETTLEMENT], role: 'relay', start: startSettlement },
]
