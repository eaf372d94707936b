/**
 * The one writer. Inputs that arrive while a commit is on its way to disk are decided together and committed
 * together: one sync for all of them. States change only once their events are on disk; where the disk refuses,
 * every caller gets that failure and nothing has happened.
 */
import { randomUUID } from 'node:crypto'
import type { AccountCommand, EngineEvent, ReplayCommand } from '../gateway/contract.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import type { AccountState, LogRecord } from './account.ts'
import { unopenedAccount, watchesPrices } from './account.ts'
import type { StepInput } from './decide.ts'
import { step } from './decide.ts'
import type { PriceFeed } from './feed.ts'
import type { OrderRequest } from './orders.ts'
import type { ReplayOutcome } from './replay/record.ts'
import type { StepContext, TradingRules } from './step.ts'
import type { SymbolTable } from './symbols.ts'
import type { InboxEntry, StoredEvent, Wal } from './wal.ts'

export type DeskInput =
  | { kind: 'command'; command: AccountCommand }
  | { kind: 'replay'; command: ReplayCommand; outcome: ReplayOutcome }
  | { kind: 'place_order'; accountId: string; order: OrderRequest; fingerprint: string }
  | { kind: 'cancel_order'; accountId: string; orderId: string }
  | { kind: 'market'; accountId: string }

export type DeskAnswer =
  /** On disk. No events where the market left the account alone. */
  | { kind: 'recorded'; events: readonly EngineEvent[] }
  /** Decided before; the entry says which events that led to. */
  | { kind: 'repeated'; entry: InboxEntry }
  | { kind: 'unknown_account' }
  | { kind: 'not_working' }

/** The log could not be written; nothing was done. */
export class LogUnavailable extends Error {
  override name = 'LogUnavailable'
}

export interface DeskOptions {
  wal: Wal
  feed: PriceFeed
  symbols: SymbolTable
  rules: TradingRules
  now: () => number
  /** Inputs decided in one commit, at most. */
  stepsPerCommitMax: number
  /** Accounts without positions and orders that are kept in memory. */
  idleAccountsMax: number
  /** Called with what each commit wrote, in log order. */
  onCommit: (events: readonly StoredEvent[]) => void
}

export interface Desk {
  /**
   * Decides one input and records its events. Resolves when they are on disk.
   * @throws LogUnavailable where they could not be written.
   */
  submit(input: DeskInput): Promise<DeskAnswer>
  /** The account as of the last commit; undefined where it is not known. */
  account(accountId: string): AccountState | undefined
  /** Accounts with a position or a working order, as of the last commit. */
  watched(): string[]
  /** Prices and terms of the moment, as decisions see them. */
  market(): Omit<StepContext, 'stepId'>
  /** Resolves when everything submitted is decided; later inputs are refused. */
  close(): Promise<void>
}

interface Work {
  input: DeskInput
  resolve: (answer: DeskAnswer) => void
  reject: (error: Error) => void
}

/** What the inputs of one commit have come to so far. */
interface Batch {
  records: LogRecord[]
  inbox: Map<string, InboxEntry>
  states: Map<string, AccountState>
}

export function openDesk(options: DeskOptions): Desk {
  const { wal } = options
  const accounts = accountCache(wal, options.idleAccountsMax)
  const queue: Work[] = []
  let closing = false
  let drained: (() => void) | undefined
  let scheduled = false

  const market = (): Omit<StepContext, 'stepId'> => {
    const nowMs = options.now()
    const quote = (symbol: string) => options.feed.quote(symbol, nowMs)
    return { nowMs, quote, symbols: options.symbols, rules: options.rules }
  }

  const commit = () => {
    scheduled = false
    const works = queue.splice(0, options.stepsPerCommitMax)
    const batch: Batch = { records: [], inbox: new Map(), states: new Map() }
    const answers: (() => void)[] = []
    const context = market()
    for (const work of works) {
      try {
        const answer = decideInput(work.input, batch, context, { wal, account: accounts.get })
        answers.push(() => work.resolve(answer))
      } catch (error) {
        work.reject(error instanceof Error ? error : new Error(String(error)))
      }
    }
    let stored: StoredEvent[] = []
    try {
      if (batch.records.length > 0) stored = wal.append({ ...batch, inbox: [...batch.inbox.values()] })
    } catch (cause) {
      const error = new LogUnavailable('the log could not be written; nothing was done', { cause })
      for (const work of works) work.reject(error)
      answers.length = 0
      batch.states.clear()
    }
    crashPoint('engine.after-sync', batch.records)
    for (const state of batch.states.values()) accounts.set(state)
    if (stored.length > 0) options.onCommit(stored)
    for (const answer of answers) answer()
    if (queue.length > 0) schedule()
    else drained?.()
  }
  const schedule = () => {
    if (scheduled) return
    scheduled = true
    setImmediate(commit)
  }

  return {
    submit(input) {
      if (closing) return Promise.reject(new LogUnavailable('the engine is shutting down; nothing was done'))
      return new Promise((resolve, reject) => {
        queue.push({ input, resolve, reject })
        schedule()
      })
    },
    account: accounts.get,
    watched: accounts.watched,
    market,
    close() {
      closing = true
      return new Promise((resolve) => {
        drained = resolve
        schedule()
      })
    },
  }
}

/** Decides one input on top of what the batch holds already, and adds its events to the batch. */
function decideInput(
  input: DeskInput,
  batch: Batch,
  market: Omit<StepContext, 'stepId'>,
  known: { wal: Wal; account: (accountId: string) => AccountState | undefined },
): DeskAnswer {
  const key = keyOf(input)
  const entry = key === null ? undefined : (batch.inbox.get(key) ?? known.wal.inboxEntry(key))
  if (entry !== undefined) return { kind: 'repeated', entry }
  const accountId = 'command' in input ? input.command.accountId : input.accountId
  const opens = 'command' in input && (input.kind === 'replay' || input.command.kind === 'open_account')
  const before =
    batch.states.get(accountId) ?? known.account(accountId) ?? (opens ? unopenedAccount(accountId) : undefined)
  if (before === undefined) return { kind: 'unknown_account' }
  if (input.kind === 'cancel_order' && !before.orders.some((order) => order.orderId === input.orderId)) {
    return { kind: 'not_working' }
  }
  const { events, state } = step(before, stepInputOf(input), { ...market, stepId: key ?? randomUUID() })
  if (events.length === 0) return { kind: 'recorded', events }
  const commandSequence = 'command' in input ? input.command.sequence : null
  for (const event of events) batch.records.push({ event, commandSequence })
  batch.states.set(accountId, state)
  if (key !== null) {
    const fingerprint = input.kind === 'place_order' ? input.fingerprint : null
    const [firstSequence, lastSequence] = [before.sequence + 1, state.sequence]
    batch.inbox.set(key, { key, accountId, firstSequence, lastSequence, fingerprint })
  }
  return { kind: 'recorded', events }
}

/** What names the input for ever; null where it may come as often as it likes. */
function keyOf(input: DeskInput): string | null {
  if ('command' in input) return input.command.commandId
  return input.kind === 'place_order' ? input.order.orderId : null
}

function stepInputOf(input: DeskInput): StepInput {
  switch (input.kind) {
    case 'command':
      return { kind: 'command', command: input.command }
    case 'replay':
      return input
    case 'place_order':
      return { kind: 'place_order', order: input.order }
    case 'cancel_order':
      return { kind: 'cancel_order', orderId: input.orderId }
    case 'market':
      return { kind: 'market' }
    default:
      return input satisfies never
  }
}

/** Accounts in memory: all that watch prices, and the most recently used of the others. */
function accountCache(wal: Wal, idleAccountsMax: number) {
  const watched = new Map<string, AccountState>()
  const idle = new Map<string, AccountState>()
  const set = (state: AccountState) => {
    idle.delete(state.accountId)
    watched.delete(state.accountId)
    if (watchesPrices(state)) {
      watched.set(state.accountId, state)
      return
    }
    idle.set(state.accountId, state)
    if (idle.size <= idleAccountsMax) return
    for (const oldest of idle.keys()) {
      idle.delete(oldest)
      return
    }
  }
  const get = (accountId: string): AccountState | undefined => {
    const found = watched.get(accountId) ?? idle.get(accountId) ?? wal.load(accountId)
    if (found !== undefined && !watched.has(accountId)) set(found)
    return found
  }
  for (const accountId of wal.watchedAccounts()) get(accountId)
  return { get, set, watched: () => [...watched.keys()] }
}
