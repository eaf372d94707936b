/**
 * The work of the submitter while it leads: actions wait for a place, are signed under the sponsor's next nonce, sent in the order
 * of the nonces, and looked after until the log says that they have ended.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { readTransaction } from '../../adapters/chain/account.ts'
import type { Hex } from '../../adapters/chain/node.ts'
import { deterministicId } from '../../commands/identity.ts'
import { type ActionCommand, action, hasEnded, type Signed } from '../../commands/ostium/action.ts'
import { agent, traderIdOf } from '../../commands/ostium/agent.ts'
import { Rejected } from '../../commands/rejection.ts'
import { findActionsUnderWay } from '../../projections/ostium/action.ts'
import { contextsOf } from './causes.ts'
import { SUBMITTER } from './names.ts'
import { feesOf, type Hopeless, isHopeless, NOT_DELEGATE, offerOf } from './offering.ts'
import { reconcileNonces } from './reconciling.ts'
import { createSponsorAccount, type Offer } from './sponsor-account.ts'
import type { SubmitterOptions } from './submitter.ts'

/** A transaction of an action that is in no block, as far as is known. */
interface Flight {
  actionId: string
  trader: string
  deadline: string
  signed: Signed
  sentMs: number
  lookedMs: number
  isBusy: boolean
}

const RETRY_MS = 500
const TEND_MS = 250
const LOOK_AFTER_MS = 2_000
/** Nodes ask for a tenth more at least before they take a transaction in another one's place. */
const REPRICE_PERCENT = 125n
/** As nodes say it of an offer that is too low, and of a sponsor that has too little: neither is for good. */
const TOO_LOW = /underpriced|fee too low|less than block base fee|max fee per gas/i
const TOO_POOR = /insufficient (funds|balance)/i

const ENDS = /\.DelegatedAction(Included|Reverted|Abandoned|Refused)\./
const REQUESTED = /\.DelegatedActionRequested\./

export function createSubmitting(options: SubmitterOptions) {
  const { bus, db, market, sponsorKey, vaultKeys, now, limits, log, health } = options
  const { client, chainId } = market
  const { feeMax, inFlightMax } = limits
  const fees = () => feesOf({ market, feeMax })
  const contextOf = contextsOf(SUBMITTER, options.store)
  const account = createSponsorAccount({ bus, market, key: sponsorKey, now, fees, contextOf })
  const offering = { bus, market, vaultKeys, sponsor: account.address, feeMax }
  const queue: string[] = []
  /** Those that wait or are being signed. */
  const taken = new Set<string>()
  const flights = new Map<string, Flight>()
  /** Those that are being signed. */
  let signing = 0
  let wake: () => void = () => undefined
  let sends: Promise<unknown> = Promise.resolve()

  function enqueue(actionId: string): void {
    if (taken.has(actionId) || flights.has(actionId)) return
    taken.add(actionId)
    queue.push(actionId)
    wake()
  }

  function see(type: string, actionId: string): void {
    if (REQUESTED.test(type)) enqueue(actionId)
    if (!ENDS.test(type)) return
    flights.delete(actionId)
    wake()
  }

  const decide = async (actionId: string, command: ActionCommand, step: string) => {
    const id = deterministicId(`ostium ${step}`, actionId)
    return bus.handle(action, actionId, command, await contextOf(actionId, id, now().toISOString()))
  }

  async function abandon({ actionId, trader }: Pick<Flight, 'actionId' | 'trader'>, { reason, revert }: Hopeless) {
    const at = now().toISOString()
    const { state } = await decide(actionId, { kind: 'abandon', reason, revert, at }, 'abandon')
    flights.delete(actionId)
    if (revert?.name !== NOT_DELEGATE || state.status !== 'abandoned') return
    const { agentId } = state.facts
    const delegatedTo = await client.delegateOf(trader as Hex)
    const suspending = { kind: 'suspend', agentId, delegatedTo, noticedBy: 'watcher', at } as const
    const context = await contextOf(actionId, deterministicId('ostium suspend', actionId), at)
    await bus.handle(agent, traderIdOf(chainId, trader), suspending, context)
  }

  /** Records what was signed; undefined: another process has signed for the action, and sends it. */
  async function record(actionId: string, nonce: number, offer: Offer, attempt: number): Promise<Signed | undefined> {
    const { raw, hash } = await account.sign(nonce, offer)
    const { state } = await decide(
      actionId,
      {
        ...{ kind: 'sign', sponsor: account.address, sponsorNonce: nonce, txHash: hash, rawTransaction: raw, attempt },
        ...{ maxFeePerGas: String(offer.maxFeePerGas), maxPriorityFeePerGas: String(offer.maxPriorityFeePerGas) },
        at: now().toISOString(),
      },
      `sign ${attempt}`,
    )
    const recorded = 'signed' in state ? state.signed.find((each) => each.attempt === attempt) : undefined
    return recorded?.txHash === hash ? recorded : undefined
  }

  async function submit(actionId: string, signal: AbortSignal, leaves: () => void): Promise<void> {
    const state = await bus.current(action, actionId)
    if (state.status === 'absent' || state.status === 'refused' || hasEnded(state)) return
    const { facts } = state
    const { trader, deadline } = facts
    let signed = 'signed' in state ? state.signed.at(-1) : undefined
    if (!signed) {
      const offer = await offerOf(offering, facts)
      if (isHopeless(offer)) return abandon(facts, offer)
      const nonce = await account.nonceFor(facts)
      signed = await record(actionId, nonce, offer, 1)
      if (!signed) return fillIfAbandoned(facts, nonce)
    }
    const nowMs = performance.now()
    const flight = { actionId, trader, deadline, signed, sentMs: nowMs, lookedMs: nowMs, isBusy: false }
    flights.set(actionId, flight)
    leaves()
    const sending = sends.then(() => send(flight, signal))
    sends = sending.catch(() => undefined)
    await sending
  }

  /** Somebody has given the action up while it was being signed: those behind it need its nonce. */
  async function fillIfAbandoned(
    { actionId, trader }: Pick<Flight, 'actionId' | 'trader'>,
    nonce: number,
  ): Promise<void> {
    const { status } = await bus.current(action, actionId)
    if (status === 'abandoned') await client.sendRaw((await account.fill({ actionId, trader, nonce })).raw)
  }

  /** Until the node has it, whatever that takes: those with higher nonces wait behind it. */
  async function send(flight: Flight, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && flights.has(flight.actionId)) {
      const { txHash, rawTransaction } = flight.signed
      const outcome = await client.sendRaw(rawTransaction as Hex).catch((error: unknown) => ({ failed: error }))
      if (typeof outcome === 'object' && 'refused' in outcome) {
        if (await settleRefusal(flight, outcome.refused)) return
      } else if (typeof outcome === 'object') {
        note(outcome.failed)
      } else if (outcome !== 'nonce_too_low' || (await isKnown(flight))) {
        flight.sentMs = performance.now()
        await decide(flight.actionId, { kind: 'broadcast', txHash, at: now().toISOString() }, `broadcast ${txHash}`)
        return
      } else {
        return abandon(flight, { reason: 'another transaction has taken its nonce', revert: null })
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Whether the chain has one of the action's transactions. */
  async function isKnown({ actionId }: Flight): Promise<boolean> {
    const state = await bus.load(action, actionId)
    const hashes = 'signed' in state ? state.signed.map(({ txHash }) => txHash as Hex) : []
    const found = await Promise.all(hashes.map((hash) => client.transaction(hash)))
    return found.some((each) => each !== undefined)
  }

  /** True: nothing is left to be sent for it. */
  async function settleRefusal(flight: Flight, refused: string): Promise<boolean> {
    const isLate = flight.deadline <= now().toISOString()
    if (TOO_LOW.test(refused) && !isLate) {
      await reprice(flight)
      return false
    }
    if (TOO_POOR.test(refused) && !isLate) {
      health.fault = 'the sponsor has too little ether'
      return false
    }
    const { actionId, trader, signed } = flight
    await abandon(flight, { reason: `the node refused it: ${refused}`, revert: null })
    const filling = await account.fill({ actionId, trader, nonce: signed.sponsorNonce })
    const outcome = await client.sendRaw(filling.raw)
    if (typeof outcome === 'object') log.warn({ actionId, outcome }, 'the nonce of an abandoned action is still open')
    return true
  }

  /** The same under the same nonce, for more. */
  async function reprice(flight: Flight): Promise<void> {
    const { actionId, signed } = flight
    const { to, data, gas } = readTransaction(signed.rawTransaction as Hex)
    const more = (wei: string) => (BigInt(wei) * REPRICE_PERCENT) / 100n + 1n
    const maxFeePerGas = more(signed.maxFeePerGas)
    flight.sentMs = performance.now()
    if (maxFeePerGas > feeMax) return
    const offer = { to, data, gas, maxFeePerGas, maxPriorityFeePerGas: more(signed.maxPriorityFeePerGas) }
    const next = await record(actionId, signed.sponsorNonce, offer, signed.attempt + 1)
    if (next) flight.signed = next
  }

  /** What was sent and is in no block: sent again where the node has lost it, and for more where it waits for too long. */
  async function tendFlight(flight: Flight, signal: AbortSignal): Promise<void> {
    const nowMs = performance.now()
    if (flight.isBusy || nowMs - flight.lookedMs < LOOK_AFTER_MS) return
    flight.isBusy = true
    flight.lookedMs = nowMs
    try {
      const isLate = nowMs - flight.sentMs >= limits.repriceAfterMs
      if (isLate) await reprice(flight)
      const found = await client.transaction(flight.signed.txHash as Hex)
      if (!found) await send(flight, signal)
    } finally {
      flight.isBusy = false
    }
  }

  async function sweep(): Promise<void> {
    for (const { action_id } of await findActionsUnderWay(db, chainId, limits.sweepBatchMax)) enqueue(action_id)
    health.balance = await client.etherOf(account.address)
    const lowest = Math.min(...[...flights.values()].map(({ signed }) => signed.sponsorNonce))
    if (signing === 0) await reconcileNonces({ bus, account, client, lowest, log })
    health.fault = health.balance < limits.balanceMin ? 'the sponsor has too little ether' : undefined
  }

  function note(error: unknown): void {
    health.fault = error instanceof Error ? error.message : String(error)
  }

  /** Begins actions as there is room for them. Rejects where another process has the sponsor's nonces. */
  async function pump(signal: AbortSignal): Promise<void> {
    const { promise: lost, reject } = Promise.withResolvers<never>()
    const begin = (actionId: string) => {
      signing += 1
      let isSigning = true
      const leaves = () => {
        if (isSigning) signing -= 1
        isSigning = false
      }
      submit(actionId, signal, leaves)
        .then(
          () => taken.delete(actionId),
          (error: unknown) => {
            if (error instanceof Rejected) return reject(error)
            note(error)
            taken.delete(actionId)
            setTimeout(() => enqueue(actionId), RETRY_MS).unref()
          },
        )
        .finally(() => {
          leaves()
          wake()
        })
    }
    while (!signal.aborted) {
      const woken = Promise.withResolvers<void>()
      wake = woken.resolve
      while (queue.length > 0 && signing + flights.size < inFlightMax) begin(queue.shift() ?? '')
      ;[health.inFlight, health.waiting] = [flights.size, queue.length]
      await Promise.race([woken.promise, lost])
    }
  }

  async function tend(signal: AbortSignal): Promise<void> {
    let sweptMs = Number.NEGATIVE_INFINITY
    while (!signal.aborted) {
      try {
        if (performance.now() - sweptMs >= limits.sweepIntervalMs) {
          await sweep()
          sweptMs = performance.now()
        }
        await Promise.all([...flights.values()].map((flight) => tendFlight(flight, signal)))
      } catch (error) {
        if (error instanceof Rejected) throw error
        note(error)
      }
      await delay(TEND_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  return {
    see,
    run(signal: AbortSignal): Promise<void>[] {
      queue.length = 0
      for (const each of [taken, flights]) each.clear()
      signing = 0
      sends = Promise.resolve()
      signal.addEventListener('abort', () => wake(), { once: true })
      return [pump(signal), tend(signal)]
    },
  }
}
