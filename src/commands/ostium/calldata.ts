/**
 * From what a trader asks for to the calldata of the contracts (Trading, v3). Every argument but one is a word of 32 bytes
 * that stands in its place, so that no library is needed to write it; the tests read it back with one.
 */
import { functions } from '../../adapters/chain/abi/v3.ts'
import type { CancelItem, CloseRequest, MarginRequest, ModifyRequest, OpenRequest, OrderLevels } from './requests.ts'

export type Hex = `0x${string}`
type Name = keyof typeof functions
type Argument = bigint | number | boolean | string

interface Parameter {
  readonly type: string
  readonly components?: readonly Parameter[]
}

/** The types of the words, those of tuples in their place. */
const wordTypes = (inputs: readonly Parameter[]): string[] =>
  inputs.flatMap(({ type, components }) => (components ? wordTypes(components) : [type]))

/** 32 bytes in hex. Throws a RangeError for what the type does not hold: requests are checked before. */
function word(type: string, value: Argument): string {
  if (type === 'address') return String(value).slice(2).toLowerCase().padStart(64, '0')
  const number = BigInt(value)
  const bits = type === 'bool' ? 1 : Number(type.slice('uint'.length))
  if (number < 0n || number >> BigInt(bits) > 0n) throw new RangeError(`${number} is no ${type}`)
  return number.toString(16).padStart(64, '0')
}

const writer = (name: Name) => {
  const { selector, inputs } = functions[name]
  const types = wordTypes(inputs)
  return (...values: Argument[]): Hex => {
    if (values.length !== types.length) throw new RangeError(`${name} takes ${types.length} words`)
    return `${selector}${values.map((value, index) => word(types[index] ?? '', value)).join('')}` as Hex
  }
}

const write = {
  openTrade: writer('openTrade'),
  closeTradeMarket: writer('closeTradeMarket'),
  cancelOpenLimitOrder: writer('cancelOpenLimitOrder'),
  openTradeMarketTimeout: writer('openTradeMarketTimeout'),
  closeTradeMarketTimeout: writer('closeTradeMarketTimeout'),
  updateOpenLimitOrder: writer('updateOpenLimitOrder'),
  updateTp: writer('updateTp'),
  updateSl: writer('updateSl'),
  topUpCollateral: writer('topUpCollateral'),
  removeCollateral: writer('removeCollateral'),
  setDelegate: writer('setDelegate'),
  removeDelegate: writer('removeDelegate'),
  approve: writer('approve'),
}

const ZERO_ADDRESS = `0x${'0'.repeat(40)}`
/** 0.25 percent. */
const SLIPPAGE_DEFAULT = 25n
const ORDER_TYPES = { market: 0, limit: 1, stop: 2 } as const

/** What of it a deployment wants for orders that wait for their price: nothing, or what the request says. */
export type PendingSlippage = 'zero' | 'request'

/** `trader` is the position's owner, also where an agent makes the call. */
export function openCall(
  { open, bd, sp = SLIPPAGE_DEFAULT }: OpenRequest,
  trader: string,
  pending: PendingSlippage,
): Hex {
  const { a, b, t, p, s, l, tp = 0n, sl = 0n } = open
  const { b: builder, f: fee } = bd ?? { b: ZERO_ADDRESS, f: 0n }
  const slippage = t === 'market' || pending === 'request' ? sp : 0n
  const trade = [s, p, tp, sl, trader, l, a, 0, b]
  return write.openTrade(...trade, builder, fee, ORDER_TYPES[t], slippage)
}

export const closeCalls = ({ closes, sp = SLIPPAGE_DEFAULT }: CloseRequest): Hex[] =>
  closes.map(({ a, t, p, r }) => write.closeTradeMarket(a, t, r, p, sp))

/** A close whose price did not come is taken back, and never tried once more: that would close instead of cancel. */
const RETRIES = false

export function cancelCall(item: CancelItem): Hex {
  if (item.t === 'limit') return write.cancelOpenLimitOrder(item.a, item.i)
  return item.t === 'open' ? write.openTradeMarketTimeout(item.o) : write.closeTradeMarketTimeout(item.o, RETRIES)
}

/** `levels`: of the order as it stands, which keep what the request does not name. The call overwrites both. */
export function modifyCall({ a, i, p, tp, sl }: ModifyRequest, levels?: Pick<OrderLevels, 'tp' | 'sl'>): Hex {
  if (p !== undefined) return write.updateOpenLimitOrder(a, i, p, tp ?? levels?.tp ?? 0n, sl ?? levels?.sl ?? 0n)
  return tp === undefined ? write.updateSl(a, i, sl ?? 0n) : write.updateTp(a, i, tp)
}

export const marginCall = ({ a, i, amount }: MarginRequest): Hex =>
  amount > 0n ? write.topUpCollateral(a, i, amount) : write.removeCollateral(a, i, -amount)

export const setDelegateCall = (account: string): Hex => write.setDelegate(account)
export const removeDelegateCall = (): Hex => write.removeDelegate()
export const approveCall = (spender: string, amount: bigint): Hex => write.approve(spender, amount)

/** The one call with bytes among its arguments: where they begin, how many there are, and they in whole words. */
export function delegatedCall(trader: string, inner: Hex): Hex {
  const { selector } = functions.delegatedAction
  const content = inner.slice(2)
  const length = content.length / 2
  const padded = content.padEnd(Math.ceil(length / 32) * 64, '0')
  return `${selector}${word('address', trader)}${word('uint256', 64)}${word('uint256', length)}${padded}` as Hex
}

/** The function that calldata calls, by its first four bytes. */
export const functionOf = (calldata: string): Name | undefined =>
  (Object.keys(functions) as Name[]).find((name) => calldata.startsWith(functions[name].selector))
