/** Ostium's processes: which role runs each, what it is called, and its limits from the settings. */

import { unitsOf } from '../../commands/ostium/decimals.ts'
import type { ContextParts, ProcessDeclaration, RunningProcess } from '../../context.ts'
import { newProcessHealth, type ProcessDependencies, type ProcessHealth, runProcess } from '../process.ts'
import { agentKeysOf } from './agent-keys.ts'
import { runDelegations } from './delegations.ts'
import { runExpiry } from './expiry.ts'
import { type Market, openMarket } from './market.ts'
import { DELEGATIONS, EXPIRY, RECEIPTS, SUBMITTER } from './names.ts'
import { runReceipts } from './receipts.ts'
import { ostiumSettings } from './settings.ts'
import { runSubmitter, type SubmitterHealth } from './submitter.ts'

const GWEI_PLACES = 9
const ETHER_PLACES = 18

/** Throws where a setting has more places than its unit. */
function wei(text: string, places: number): bigint {
  const units = unitsOf(text, places)
  if (units === undefined) throw new Error(`${text} is no amount of wei`)
  return units
}

type Dependencies<F extends ProcessHealth> = ProcessDependencies & { health: F }

/** Leads and does nothing: what would do the work is not there, and whoever looks sees a leader. */
const runIdle = (name: string, dependencies: ProcessDependencies): Promise<void> =>
  runProcess({ name, types: ['ostium.AgentVerified'], handle: async () => undefined }, dependencies)

/** Where the instance has a chain, `run` with it; else the leadership alone. */
function onMarket<F extends ProcessHealth>(
  parts: ContextParts,
  name: string,
  health: F,
  run: (market: Market, dependencies: Dependencies<F>) => Promise<void> | undefined,
): Promise<void> {
  const dependencies = parts.dependenciesOf(name, health)
  const begin = async () => {
    const access = await openMarket(parts)
    await (('market' in access && run(access.market, dependencies)) || runIdle(name, dependencies))
  }
  return begin().catch((error: unknown) => {
    health.state = 'halted'
    health.fault = error instanceof Error ? error.message : String(error)
    dependencies.log.error({ err: error, process: name }, 'the process has halted')
  })
}

function startSubmitter(parts: ContextParts): RunningProcess {
  const own = parts.settings(ostiumSettings)
  const health: SubmitterHealth = { ...newProcessHealth(), inFlight: 0, waiting: 0, balance: undefined }
  const ended = onMarket(parts, SUBMITTER, health, (market, dependencies) => {
    const { sponsorKey } = market
    if (!sponsorKey) return undefined
    return runSubmitter({
      ...{ ...dependencies, bus: parts.bus, market, sponsorKey, now: parts.clock.now },
      vaultKeys: agentKeysOf(parts.db, parts.keyRing),
      limits: {
        inFlightMax: own.OSTIUM_SUBMIT_CONCURRENCY_MAX,
        repriceAfterMs: own.OSTIUM_REPRICE_AFTER_MS,
        feeMax: wei(own.OSTIUM_FEE_MAX_GWEI, GWEI_PLACES),
        sweepIntervalMs: own.OSTIUM_SWEEP_INTERVAL_MS,
        sweepBatchMax: own.OSTIUM_SWEEP_BATCH_MAX,
        balanceMin: wei(own.OSTIUM_SPONSOR_BALANCE_MIN_ETH, ETHER_PLACES),
      },
    })
  })
  const gauge = (name: string, help: string, read: () => number | undefined) => ({
    ...{ name: `opslog_ostium_${name}`, help, read },
  })
  const gauges = [
    gauge('actions_in_flight', 'Transactions of the sponsor that are in no block yet', () => health.inFlight),
    gauge('actions_waiting', 'Actions that wait to be signed', () => health.waiting),
    gauge('sponsor_ether', 'What the sponsor has, in ether', () =>
      health.balance === undefined ? undefined : Number(health.balance / 10n ** 12n) / 1e6,
    ),
  ]
  return { ended, health, gauges }
}

function startReceipts(parts: ContextParts): RunningProcess {
  const own = parts.settings(ostiumSettings)
  const health = newProcessHealth()
  const limits = {
    pollMs: own.OSTIUM_RECEIPT_POLL_MS,
    confirmations: own.OSTIUM_CONFIRMATIONS,
    sweepIntervalMs: own.OSTIUM_SWEEP_INTERVAL_MS,
    sweepBatchMax: own.OSTIUM_SWEEP_BATCH_MAX,
  }
  const ended = onMarket(parts, RECEIPTS, health, (market, dependencies) =>
    runReceipts({ ...dependencies, bus: parts.bus, market, now: parts.clock.now, limits }),
  )
  return { ended, health }
}

function startDelegations(parts: ContextParts): RunningProcess {
  const own = parts.settings(ostiumSettings)
  const health = newProcessHealth()
  const limits = { intervalMs: own.OSTIUM_SWEEP_INTERVAL_MS, batchMax: own.OSTIUM_SWEEP_BATCH_MAX }
  const ended = onMarket(parts, DELEGATIONS, health, (market, dependencies) =>
    runDelegations({ ...dependencies, bus: parts.bus, market, now: parts.clock.now, limits }),
  )
  return { ended, health }
}

function startExpiry(parts: ContextParts): RunningProcess {
  const own = parts.settings(ostiumSettings)
  const health = newProcessHealth()
  const limits = { intervalMs: own.OSTIUM_SWEEP_INTERVAL_MS, batchMax: own.OSTIUM_SWEEP_BATCH_MAX }
  const vaultKeys = agentKeysOf(parts.db, parts.keyRing)
  const given = { bus: parts.bus, vaultKeys, now: parts.clock.now, limits }
  return { ended: runExpiry({ ...parts.dependenciesOf(EXPIRY, health), ...given }), health }
}

export const ostiumProcesses: readonly ProcessDeclaration[] = [
  { leads: [SUBMITTER], role: 'relay', start: startSubmitter },
  { leads: [RECEIPTS], role: 'relay', start: startReceipts },
  { leads: [DELEGATIONS], role: 'relay', start: startDelegations },
  { leads: [EXPIRY], role: 'relay', start: startExpiry },
]
