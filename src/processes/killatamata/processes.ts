/** Killatamata's processes: which role runs each, what it is called, and its limits from the settings. */
import type { ContextParts, ProcessDeclaration, RunningProcess } from '../../context.ts'
import { mailProcess } from '../mail.ts'
import { newProcessHealth } from '../process.ts'
import { ARCADE, runArcade } from './arcade/keeping.ts'
import { openArcade } from './arcade/parts.ts'
import { COMMISSIONS, runCommissions } from './commissions.ts'
import { COMPLETION, runCompletion } from './completion.ts'
import { runKillatamataMail } from './mail.ts'
import { mediaProcesses } from './media/declarations.ts'
import { affiliateTermsOf, openPurchasing, openX402, signInPartsOf } from './opening.ts'
import type { Sandbox } from './sandbox-parts.ts'
import { killatamataSettings } from './settings.ts'
import { runSettlements, SETTLEMENTS } from './settlements.ts'
import { runX402Recovery, X402_RECOVERY } from './x402-recovery.ts'

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

/** It ends once the stand-ins have, which are this process's own. */
const startSettlements =
  (sandbox: Sandbox) =>
  (parts: ContextParts): RunningProcess => {
    const health = newProcessHealth()
    const given = parts.settings(killatamataSettings)
    const limits = {
      graceMs: given.SETTLEMENT_GRACE_MS,
      intervalMs: given.SETTLEMENT_SWEEP_INTERVAL_MS,
      ageMs: given.SETTLEMENT_SWEEP_AGE_MS,
      batchMax: given.SETTLEMENT_SWEEP_BATCH_MAX,
    }
    const dependencies = parts.dependenciesOf(SETTLEMENTS, health)
    const run = async () => {
      const standIns = await sandbox(parts)
      const purchasing = openPurchasing(parts, standIns, dependencies.log)
      await runSettlements({ ...dependencies, purchasing, limits })
      if (dependencies.signal.aborted) await standIns?.close()
    }
    return { ended: run(), health }
  }

const startX402Recovery =
  (sandbox: Sandbox) =>
  (parts: ContextParts): RunningProcess => {
    const health = newProcessHealth()
    const given = parts.settings(killatamataSettings)
    const limits = {
      ...{ intervalMs: given.X402_SWEEP_INTERVAL_MS, ageMs: given.X402_SWEEP_AGE_MS },
      batchMax: given.X402_SWEEP_BATCH_MAX,
    }
    const run = async () => {
      const x402 = await openX402(parts, await sandbox(parts))
      // Without a chain there is nothing to finish.
      if (x402)
        await runX402Recovery({ ...parts.dependenciesOf(X402_RECOVERY, health), payments: x402.payments, limits })
    }
    return { ended: run(), health }
  }

function startCommissions(parts: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const given = parts.settings(killatamataSettings)
  const limits = { intervalMs: given.AFFILIATE_MATURING_INTERVAL_MS, batchMax: given.AFFILIATE_MATURING_BATCH_MAX }
  const own = { bus: parts.bus, terms: affiliateTermsOf(parts), limits }
  return { ended: runCommissions({ ...parts.dependenciesOf(COMMISSIONS, health), ...own }), health }
}

function startArcade(parts: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const dependencies = parts.dependenciesOf(ARCADE, health)
  return { ended: openArcade(parts).then((arcade) => runArcade({ ...dependencies, arcade })), health }
}

const MAIL = mailProcess('killatamata')

function startMail({ bus, registry, settings, dependenciesOf }: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const own = { bus, registry, settings: settings(killatamataSettings) }
  return { ended: runKillatamataMail({ ...dependenciesOf(MAIL, health), ...own }), health }
}

export const killatamataProcesses = (sandbox: Sandbox): readonly ProcessDeclaration[] => [
  { leads: [COMPLETION], role: 'relay', start: startCompletion },
  { leads: [SETTLEMENTS], role: 'relay', start: startSettlements(sandbox) },
  { leads: [X402_RECOVERY], role: 'relay', start: startX402Recovery(sandbox) },
  { leads: [COMMISSIONS], role: 'relay', start: startCommissions },
  { leads: [ARCADE], role: 'relay', start: startArcade },
  { leads: [MAIL], role: 'relay', start: startMail },
  ...mediaProcesses(async (parts) => (await sandbox(parts))?.url),
]
