/** Killatamata's processes: which role runs each, what it is called, and its limits from the settings. */
import type { ContextParts, ProcessDeclaration, RunningProcess } from '../../context.ts'
import { mailProcess } from '../mail.ts'
import { newProcessHealth } from '../process.ts'
import { COMPLETION, runCompletion } from './completion.ts'
import { runKillatamataMail } from './mail.ts'
import { mediaProcesses } from './media/declarations.ts'
import { openPurchasing, signInPartsOf } from './opening.ts'
import { killatamataSettings } from './settings.ts'
import { runSettlements, SETTLEMENTS } from './settlements.ts'

const DAY_MS = 86_400_000

function startCompletion(parts: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const given = parts.settings(killatamataSettings)
  const expiry = {
    intervalMs: given.KILLATAMATA_EXPIRY_INTERVAL_MS,
    batchMax: given.KILLATAMATA_EXPIRY_BATCH_MAX,
    keyIdleMs: given.KEY_IDLE_EXPIRY_DAYS * DAY_MS,
  }
  const ended = runCompletion({ ...parts.dependenciesOf(COMPLETION, health), signIn: signInPartsOf(parts), expiry })
  return { ended, health }
}

function startSettlements(parts: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const given = parts.settings(killatamataSettings)
  const limits = {
    intervalMs: given.SETTLEMENT_SWEEP_INTERVAL_MS,
    ageMs: given.SETTLEMENT_SWEEP_AGE_MS,
    batchMax: given.SETTLEMENT_SWEEP_BATCH_MAX,
  }
  const dependencies = parts.dependenciesOf(SETTLEMENTS, health)
  const ended = openPurchasing(parts, dependencies.log).then((purchasing) =>
    runSettlements({ ...dependencies, purchasing, limits }),
  )
  return { ended, health }
}

const MAIL = mailProcess('killatamata')

function startMail({ bus, registry, settings, dependenciesOf }: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const own = { bus, registry, settings: settings(killatamataSettings) }
  return { ended: runKillatamataMail({ ...dependenciesOf(MAIL, health), ...own }), health }
}

export const killatamataProcesses: readonly ProcessDeclaration[] = [
  { leads: [COMPLETION], role: 'relay', start: startCompletion },
  { leads: [SETTLEMENTS], role: 'relay', start: startSettlements },
  { leads: [MAIL], role: 'relay', start: startMail },
  ...mediaProcesses,
]
