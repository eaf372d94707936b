/**
 * What an operator is going to do in a day, decided by a seed alone: the same seed plans the same calls with the same
 * names, keys and amounts, whatever the answers are and whenever faults fall. What a seed cannot repeat is time: which
 * call is under way when something is killed, and in which order the calls of two operators arrive.
 */
import { createHash } from 'node:crypto'

export interface Random {
  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number
  pick<T>(from: readonly T[]): T
  /** A UUID of version 4's form. */
  uuid(): string
}

/** Numbers that follow from the seed: SHA-256 in counter mode. */
export function createRandom(seed: string): Random {
  let counter = 0
  const next = () => createHash('sha256').update(`${seed} ${counter++}`).digest()
  const below = (bound: number) => next().readUIntBE(0, 6) % bound
  return {
    below,
    pick(from) {
      const found = from[below(from.length)]
      if (found === undefined) throw new RangeError('there is nothing to pick from')
      return found
    },
    uuid() {
      const hex = next().toString('hex')
      const variant = '89ab'[Number.parseInt(hex[16] ?? '0', 16) % 4]
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
    },
  }
}

/** Accounts are named by the order in which the day opens them; 0 has a funded challenge, from which is paid out. */
export type Step =
  | { kind: 'user'; name: string; displayName: string }
  | { kind: 'account'; name: string }
  | { kind: 'challenge'; account: number; key: string }
  /** A trade that is foreseen to end in a profit, so that there is something to pay out. */
  | { kind: 'profit'; account: number; orderId: string }
  | { kind: 'buy'; account: number; orderId: string }
  | { kind: 'close-all'; account: number; key: string }
  | { kind: 'status'; account: number; to: 'active' | 'disabled'; key: string }
  | { kind: 'correction'; account: number; amount: string; key: string }
  | { kind: 'payout'; account: number; amount: string; key: string }
  /** A close-all under a key that was used before: the same again, or for another reason. */
  | { kind: 'repeat' | 'reuse'; account: number; key: string; reason: string }
  /** Asked for once, whatever comes of it; a name that is too long is refused. */
  | { kind: 'user once'; name: string; displayName: string }
  | { kind: 'correction of nobody'; name: string; amount: string; key: string }

const REFUSED_NAME = 'x'.repeat(256)
const DAYS_WORK = [
  'user',
  'account',
  'buy',
  'buy',
  'close-all',
  'close-all',
  'status',
  'correction',
  'correction',
  'payout',
  'repeat',
  'reuse',
  'user once',
  'user refused',
  'correction of nobody',
] as const

/** The steps of the operator's day: an opening that is always the same, then so many more. */
export function planDay(seed: number, operator: number, steps: number): Step[] {
  const random = createRandom(`${seed} ${operator}`)
  const name = (what: string) => `${what}-${seed}-${operator}-${random.uuid().slice(0, 8)}`
  const day: Step[] = [
    { kind: 'account', name: name('funded') },
    { kind: 'challenge', account: 0, key: name('key') },
    { kind: 'account', name: name('account') },
    { kind: 'profit', account: 0, orderId: random.uuid() },
  ]
  let accounts = 2
  const disabled = new Set<number>()
  /** Of close-alls: account and key. */
  const used: { account: number; key: string }[] = []

  function plain(account: number, kind: (typeof DAYS_WORK)[number]): Step | undefined {
    const key = name('key')
    const cents = 1 + random.below(50_000)
    const amount = (random.below(3) === 0 ? -cents : cents) / 100
    switch (kind) {
      case 'user':
      case 'user once':
        return { kind, name: name('user'), displayName: `Trader ${random.below(1_000)}` }
      case 'user refused':
        return { kind: 'user once', name: name('user'), displayName: REFUSED_NAME }
      case 'account':
        accounts += 1
        return { kind, name: name('account') }
      case 'buy':
        return { kind, account, orderId: random.uuid() }
      case 'close-all':
        used.push({ account, key })
        return { kind, account, key }
      case 'status': {
        const to = disabled.has(account) ? 'active' : 'disabled'
        if (to === 'active') disabled.delete(account)
        else disabled.add(account)
        return { kind, account, to, key }
      }
      case 'correction':
        return { kind, account, amount: amount.toFixed(2), key }
      case 'payout':
        return { kind, account: 0, amount: (1 + random.below(20)).toFixed(2), key }
      case 'repeat':
      case 'reuse': {
        if (used.length === 0) return undefined
        return { kind, ...random.pick(used), reason: kind === 'reuse' ? 'another reason' : '' }
      }
      case 'correction of nobody':
        return { kind, name: name('nobody'), amount: amount.toFixed(2), key }
      default:
        return kind satisfies never
    }
  }

  while (day.length < steps + 4) {
    const kind = random.pick(DAYS_WORK)
    // The funded account stays enabled: what is refused there is nothing to learn from.
    const account = kind === 'status' ? 1 + random.below(accounts - 1) : random.below(accounts)
    const step = plain(account, kind)
    if (step) day.push(step)
  }
  for (const account of disabled) day.push({ kind: 'status', account, to: 'active', key: name('key') })
  // Flat at the end, so that trades, corrections and payouts are all there is in a balance.
  for (let account = 0; account < accounts; account++) day.push({ kind: 'close-all', account, key: name('key') })
  return day
}
