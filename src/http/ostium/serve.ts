/** What ostium's HTTP works with: the chain, the keys of agents, prices for those who listen. */
import { createCommandBus } from '../../commands/handle.ts'
import { PLACES, unitsOf } from '../../commands/ostium/decimals.ts'
import type { ApiParts, Served } from '../../context.ts'
import { agentKeysOf } from '../../processes/ostium/agent-keys.ts'
import { type MarketAccess, openMarket } from '../../processes/ostium/market.ts'
import { newPriceHealth, runPrices } from '../../processes/ostium/prices.ts'
import { type OstiumSettings, ostiumSettings, UNLIMITED } from '../../processes/ostium/settings.ts'
import { newProcessHealth } from '../../processes/process.ts'
import type { ProbeResult } from '../../runtime/health.ts'
import { CALLERS_MAX } from '../rate-limit.ts'
import { type OstiumLimits, type OstiumParts, verifiers } from './access.ts'
import { createHourly, createMinutely } from './counts.ts'
import type { OstiumDirectories } from './directories.ts'
import { documentTexts } from './document-texts.ts'
import { createFeed, type Feed } from './sockets/feed.ts'
import { createSocketCount } from './sockets/socket-count.ts'

/** Builds that are remembered, for those that are asked for again right away. */
const BUILDS_CACHED_MAX = 1_000
/** Between two looks at clients that do not take their prices. */
const TEND_INTERVAL_MS = 100
const NONE = Number.POSITIVE_INFINITY

export async function serveOstium(parts: ApiParts<OstiumDirectories>): Promise<Served> {
  const { config, store, bus, db, waiter, clock, keyRing, directories } = parts
  const own = parts.settings(ostiumSettings)
  const { log } = parts.dependenciesOf('ostium-api', newProcessHealth())
  const market = await openMarket(parts)
  const nowMs = () => performance.now()
  const feed = createFeed({
    bufferMaxBytes: own.OSTIUM_CLIENT_BUFFER_MAX_BYTES,
    stallMaxMs: own.OSTIUM_CLIENT_STALL_MAX_MS,
    silenceMaxMs: own.OSTIUM_PRICE_SILENCE_MAX_MS,
    nowMs,
  })
  const sockets = createSocketCount({
    max: own.OSTIUM_SOCKETS_MAX,
    perAddressMax: own.OSTIUM_SOCKETS_PER_ADDRESS_MAX,
  })
  const { agents, waits } = directories
  parts.onDrain(() => waits.endAll())
  const failures = createMinutely(CALLERS_MAX, nowMs)
  const served: OstiumParts = {
    ...{ bus, db, waiter, clock: clock.now, log, market, agents, waits, feed, sockets },
    limits: limitsOf(own, config),
    builds: createCommandBus(store, {
      cachedAggregatesMax: BUILDS_CACHED_MAX,
      seenCommandsMax: BUILDS_CACHED_MAX * 2,
      conflictRetriesMax: config.CONFLICT_RETRIES_MAX,
    }),
    vaultKeys: agentKeysOf(db, keyRing),
    actionsOf: createMinutely(CALLERS_MAX, nowMs),
    messagesOf: createHourly(CALLERS_MAX, nowMs),
    verify: verifiers({ agents, market }).verifiedAgent,
    keyFailuresOf: failures,
    documents: documentTexts(),
  }
  const prices = newPriceHealth()
  startBackground(parts, own, { market, feed, prices })
  const { gauges, probes } = shownOf({ market, feed, sockets, prices, waiting: waits.waiting })
  return { parts: served, gauges, probes }
}

const limitsOf = (own: OstiumSettings, config: ApiParts['config']): OstiumLimits => ({
  requestsPerMinuteMax: own.OSTIUM_RATE_LIMIT_PER_MINUTE_MAX || NONE,
  exempt: new Set(own.OSTIUM_RATE_LIMIT_EXEMPT),
  socketBuildsAtOnceMax: own.OSTIUM_SOCKET_BUILDS_AT_ONCE_MAX,
  leverageMax: own.OSTIUM_LEVERAGE_MAX,
  actionsPerRequestMax: own.OSTIUM_ACTIONS_PER_REQUEST_MAX,
  pendingSlippage: own.OSTIUM_PENDING_ORDER_SLIPPAGE,
  approvalMin: usdc(own.OSTIUM_APPROVAL_MIN_USDC),
  approval: own.OSTIUM_APPROVAL_USDC === undefined ? UNLIMITED : usdc(own.OSTIUM_APPROVAL_USDC),
  pendingTtlMs: own.OSTIUM_PENDING_TTL_S * 1_000,
  messageTtlMs: own.OSTIUM_MESSAGE_TTL_S * 1_000,
  agentsPerHourMax: own.OSTIUM_AGENTS_PER_TRADER_HOUR_MAX,
  messagesPerHourMax: own.OSTIUM_MESSAGES_PER_TRADER_HOUR_MAX,
  actionsPerMinuteMax: own.OSTIUM_ACTIONS_PER_MINUTE_MAX,
  deadlineMs: own.OSTIUM_ACTION_DEADLINE_S * 1_000,
  submitWaitMs: own.OSTIUM_SUBMIT_WAIT_MS,
  receiptWaitMs: own.OSTIUM_RECEIPT_WAIT_MS,
  keyKnownWaitMs: config.READ_YOUR_WRITES_WAIT_MS,
  keyFailuresPerMinuteMax: config.AUTH_FAILURES_PER_MINUTE_MAX,
})

/** Throws where a setting has more places than USDC. */
function usdc(text: string): bigint {
  const units = unitsOf(text, PLACES.usdc)
  if (units === undefined) throw new Error(`${text} is no amount of USDC`)
  return units
}

/** Looks at the chain, takes prices in, and looks after slow clients, until the process stops. */
function startBackground(
  parts: ApiParts<OstiumDirectories>,
  own: OstiumSettings,
  { market, feed, prices }: { market: MarketAccess; feed: Feed; prices: ReturnType<typeof newPriceHealth> },
): void {
  const stop = new AbortController()
  const tending = setInterval(() => feed.tend(), TEND_INTERVAL_MS)
  const { log } = parts.dependenciesOf('ostium-prices', newProcessHealth())
  const running: Promise<void>[] = []
  let checking: NodeJS.Timeout | undefined
  if ('market' in market) {
    void market.market.check()
    checking = setInterval(() => void market.market.check(), own.OSTIUM_CHECK_INTERVAL_MS)
    const { pricesUrl: url } = market.market
    if (url !== undefined) {
      const bounds = { pollMs: own.OSTIUM_PRICE_POLL_MS, silenceMaxMs: own.OSTIUM_PRICE_SILENCE_MAX_MS }
      const told = { onTick: feed.publish, onInterrupted: feed.interrupt, health: prices, log }
      running.push(runPrices({ url, ...bounds, ...told, signal: stop.signal }))
    }
  }
  parts.onClose(async () => {
    stop.abort()
    clearInterval(tending)
    clearInterval(checking)
    await Promise.all(running)
  })
}

interface Shown {
  market: MarketAccess
  feed: Feed
  sockets: OstiumParts['sockets']
  prices: ReturnType<typeof newPriceHealth>
  waiting: () => number
}

function shownOf({
  market: access,
  feed,
  sockets,
  prices,
  waiting,
}: Shown): Required<Pick<Served, 'gauges' | 'probes'>> {
  const gauge = (name: string, help: string, read: () => number) => ({ name: `opslog_ostium_${name}`, help, read })
  const isOff = 'isOff' in access && access.isOff === true
  const hasPrices = 'market' in access ? access.market.pricesUrl !== undefined : !isOff
  const fault = () => ('market' in access ? access.market.fault() : isOff ? undefined : access.reason)
  return {
    gauges: [
      gauge(
        'chain_up',
        'Whether the chain answers, with the contracts that calldata is built for; 1 where none is asked for',
        () => Number(fault() === undefined),
      ),
      gauge('sockets', 'Open sockets', sockets.open),
      gauge('price_clients', 'Sockets that are sent prices', feed.clients),
      gauge('price_clients_held', 'Those that do not take them as they come', feed.held),
      gauge('prices_up', 'Whether prices come; 1 where nothing sends any', () => Number(prices.isUp || !hasPrices)),
      gauge('prices_dropped', 'Prices that were no prices, or older than the one before', () => prices.dropped),
      gauge('action_waits', 'Requests that wait for an action', waiting),
    ],
    probes: [
      {
        name: 'ostium-chain',
        required: false,
        async check(): Promise<ProbeResult> {
          const wrong = fault()
          if ('market' in access) {
            const { chainId, network } = access.market
            return { up: wrong === undefined, chain_id: chainId, network, ...(wrong !== undefined && { error: wrong }) }
          }
          return isOff ? { up: true, state: 'off' } : { up: false, error: access.reason }
        },
      },
      {
        name: 'ostium-prices',
        required: false,
        async check(): Promise<ProbeResult> {
          if (!hasPrices) return { up: true, state: 'off' }
          return { up: prices.isUp, ticks: prices.ticks, dropped: prices.dropped }
        },
      },
    ],
  }
}
