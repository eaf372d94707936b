/** What the chapters of ostium's demo share: a trader with a key of its own, the chain, and what the run has found out. */
import { randomBytes } from 'node:crypto'
import { type Answered, type Client, problemOf } from '@opslog/client'
import { addressOfKey, newAgentKey, signTransaction } from '../../../adapters/chain/account.ts'
import { type ChainClient, openChain } from '../../../adapters/chain/client.ts'
import type { Hex, Receipt } from '../../../adapters/chain/node.ts'
import { type ChainFacts, readChainFacts } from '../../../embedded/market/chain-facts.ts'
import type { AdminSession } from '../../admin-session.ts'
import type { AdminTools } from '../../admin-tools.ts'
import type { Checklist } from '../../demo/checks.ts'
import { poll } from '../../demo/client.ts'
import type { DemoSetting } from '../../demo/setting.ts'
import { createTypedClient, statusOf } from '../../demo/typed-client.ts'
import { CliError, EXIT } from '../../terminal.ts'

/** As it is handed out, to be signed. */
export interface Transaction {
  to: string
  data: string
}

export interface OstiumStory {
  /** As the trader: whoever names the address. */
  asTrader: Client<'ostium'>
  /** As the trader's agent. */
  asAgent: Client<'ostium'>
  /** Where the live prices are. */
  pricesUrl: () => string
  chain: ChainClient
  facts: ChainFacts
  /** Made for this run. */
  trader: { key: Hex; address: Hex }
  checks: Checklist
  run: string
  waits: { waitMaxMs: number; pollIntervalMs: number }
  withSession<T>(work: (session: AdminSession) => Promise<T>): Promise<T>
  withGround: AdminTools['withGround']
  found: {
    /** Of Bitcoin in dollars, the last. */
    price: number
    apiKey: string
    account: string
    /** Transactions that were handed out, and those of the agent. */
    built: number
    delegated: Set<string>
  }
}

export type Say = (note: string) => void
export type OstiumChapter = readonly [title: string, work: (story: OstiumStory, say: Say) => Promise<void>]

/** A call that has to wait for the next minute of the address's rate. */
const PATIENCE_MS = 65_000
const RPC_TIMEOUT_MS = 5_000
const RPC_ANSWER_MAX_BYTES = 1_048_576

/** Of the instance of the data directory. Throws CliError where none runs, or where its chain is worth money. */
export function beginStory(setting: DemoSetting): OstiumStory {
  const { dataDirectory, running, checks, limits, waits, withSession, tools } = setting
  const base = () => `${running().apiUrl}/ostium`
  base()
  const facts = readChainFacts(dataDirectory)
  if (facts?.network !== 'local') {
    const hint = 'Leave OSTIUM_RPC_URL unset, and OSTIUM_LOCAL_CHAIN at `auto` or `on`.'
    throw new CliError(
      EXIT.refused,
      'the instance has no chain of its own, and on another one this would cost money',
      hint,
    )
  }
  const { rpcUrl, chainId, contracts } = facts
  const { privateKey: key, address } = newAgentKey()
  const found: OstiumStory['found'] = {
    ...{ price: 0, apiKey: '', account: '', built: 0, delegated: new Set() },
  }
  // Asked before each send: a restarted instance may listen elsewhere.
  const client = (key: () => string) =>
    createTypedClient(
      'ostium',
      () => ({ url: base(), token: '' }),
      { ...limits, unreachableMaxMs: PATIENCE_MS },
      { headers: { 'x-trader-address': address }, key },
    )
  return {
    asTrader: client(() => ''),
    asAgent: client(() => found.apiKey),
    pricesUrl: () => `${base().replace(/^http/, 'ws')}/v1/market/stream`,
    chain: openChain({ rpcUrl, chainId, contracts, timeoutMs: RPC_TIMEOUT_MS, answerMaxBytes: RPC_ANSWER_MAX_BYTES }),
    ...{ facts, trader: { key, address }, checks, waits, withSession, found },
    withGround: tools.withGround,
    run: `${Date.now().toString(36)}-${randomBytes(3).toString('hex')}`,
  }
}

/** Under a key of this run, so that a request that is sent again is the same. */
export const keyed = ({ run }: OstiumStory, name: string) => ({ header: { 'idempotency-key': `${run}-${name}` } })

type Keyed = { params: ReturnType<typeof keyed> }
type Asked = (trader: Client<'ostium'>, under: Keyed) => Promise<Answered<object, unknown>>

/** Builds what is asked for. Throws CliError where it is refused. */
export async function build(story: OstiumStory, name: string, ask: Asked): Promise<Transaction[]> {
  const answered = await ask(story.asTrader, { params: keyed(story, name) })
  const { transactions } = (answered.data ?? {}) as { transactions?: Transaction[] }
  if (!transactions) {
    const says = problemOf(answered)?.message ?? 'no transactions'
    throw new CliError(EXIT.refused, `${name} was answered ${statusOf(answered)}: ${says}`)
  }
  story.found.built += 1
  return transactions
}

const GAS_MAX = 2_000_000n

/** Signed by the trader, and included. */
export async function execute({ chain, facts, trader, waits }: OstiumStory, each: Transaction): Promise<Receipt> {
  const [nonce, fees] = await Promise.all([chain.nonceOf(addressOfKey(trader.key), 'pending'), chain.fees()])
  const { to, data } = each as { to: Hex; data: Hex }
  const fields = { chainId: facts.chainId, nonce, to, data, gas: GAS_MAX, ...fees }
  const { raw, hash } = await signTransaction(trader.key, fields)
  await chain.sendRaw(raw)
  const receipt = await poll(
    () => chain.receipt(hash),
    (found) => found !== undefined,
    waits,
  )
  if (!receipt) throw new CliError(EXIT.refused, `the transaction ${hash} is in no block`)
  return receipt
}

/** Builds, signs and sends; whether all of it had its effect. */
export async function perform(story: OstiumStory, name: string, ask: Asked): Promise<boolean> {
  let isDone = true
  for (const each of await build(story, name, ask)) isDone = (await execute(story, each)).isSuccess && isDone
  return isDone
}

/** A position of the trader in Bitcoin, once it satisfies; the last that was seen either way. */
export function position(
  { chain, trader, waits }: OstiumStory,
  index: number,
  satisfied: (trade: Awaited<ReturnType<ChainClient['openTrade']>>) => boolean,
) {
  return poll(() => chain.openTrade(trader.address, BITCOIN, index), satisfied, waits)
}

/** Pairs. */
export const BITCOIN = 0
export const ETHER = 1
/** Units of USDC in a dollar, of a price in a dollar. */
export const USDC = 1_000_000n
export const PRICE = 10n ** 18n
