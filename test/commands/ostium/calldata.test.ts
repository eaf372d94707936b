/**
 * Calldata is exact or it is not made. The examples are those that the contracts' maintainers were compared with; beyond them,
 * everything that is built is read back by viem, and each field is compared with the request.
 */
import fc from 'fast-check'
import { type Abi, decodeFunctionData, toFunctionSelector } from 'viem'
import { describe, expect, it } from 'vitest'
import { functions } from '../../../src/adapters/chain/abi/v3.ts'
import { checksummed } from '../../../src/adapters/chain/address.ts'
import {
  approveCall,
  cancelCall,
  closeCalls,
  delegatedCall,
  functionOf,
  type Hex,
  marginCall,
  modifyCall,
  openCall,
  removeDelegateCall,
  setDelegateCall,
} from '../../../src/commands/ostium/calldata.ts'
import type { OpenRequest } from '../../../src/commands/ostium/requests.ts'
import {
  cancelRequest,
  closeRequest,
  marginRequest,
  modifyRequest,
  openRequest,
} from '../../../src/http/ostium/exchange/requests.ts'

const TRADER = '0x00000000000000000000000000000000000A11cE'
const ACCOUNT = '0x000000000000000000000000000000000000a9e7'
const BUILDER = '0x00000000000000000000000000000000000B0b00'
const STORAGE = '0xcCd5891083A8acD2074690F65d3024E7D13d66E7'
const UNLIMITED = 2n ** 256n - 1n

/** `742088c0 4c4b40 0`: a selector, then words without their leading zeros. */
const words = (text: string): string => {
  const [selector, ...rest] = text.split(' ')
  return `0x${selector}${rest.map((word) => word.padStart(64, '0')).join('')}`
}

const open = (given: unknown) => openCall(openRequest.parse(given), TRADER, 'zero')
const close = (given: unknown) => closeCalls(closeRequest.parse(given))[0] as Hex
const cancel = (given: unknown) => cancelRequest.parse({ cancels: [given] }).cancels.map(cancelCall)[0] as Hex
const modify = (given: unknown) => modifyCall(modifyRequest.parse(given))
const margin = (given: unknown) => marginCall(marginRequest.parse(given))

const limitOrder = { a: 3, b: false, t: 'limit', p: '2310.125', s: '5', l: '1.5', sl: '2400' }
const stopOrder = { a: 65_535, b: true, t: 'stop', p: '0.000001234567890123', s: '1234.567891', l: '100' }
const marketOrder = { a: 2, b: false, t: 'market', p: '1.09245', s: '250', l: '25', tp: '1.05', sl: '1.11' }
const update = modify({ a: 1, i: 0, tp: '3500.25' })

const examples: readonly (readonly [number, string, Hex, string, bytes: number])[] = [
  [
    ...([1, 'a limit order, whose slippage has no effect', open({ open: limitOrder, sp: 5 })] as const),
    '742088c0 4c4b40 7d3b6cafeee5448000 0 821ab0d44149800000 a11ce 96 3 0 0 0 0 1 0',
    420,
  ],
  [
    ...([2, 'a stop order with a fee', open({ open: stopOrder, bd: { b: BUILDER, f: 0.5 } })] as const),
    '742088c0 499602d3 11f71fb04cb 0 0 a11ce 2710 ffff 0 1 b0b00 7a120 2 0',
    420,
  ],
  [
    3,
    'a market order',
    open({ open: marketOrder, sp: 1.15, bd: { b: BUILDER, f: 0.05 } }),
    '742088c0 ee6b280 f29297ca8e02000 e92596fd6290000 f67831e74af0000 a11ce 9c4 2 0 0 b0b00 c350 0 73',
    420,
  ],
  [
    4,
    'a third of a position',
    close({ closes: [{ a: 7, t: 2, p: '19.875', r: 33.33 }], sp: 1 }),
    'efc10755 7 2 d05 113d22f329ee38000 64',
    164,
  ],
  [5, 'a limit order taken back', cancel({ t: 'limit', a: 12, i: 255 }), 'c444e746 c ff', 68],
  [6, 'an open that timed out', cancel({ t: 'open', o: 9_007_199_254_740_991 }), '876d3abd 1fffffffffffff', 36],
  [7, 'a close that timed out', cancel({ t: 'close', o: 4_096 }), '3f21ea62 1000 0', 68],
  [
    8,
    'an order with another price',
    modify({ a: 5, i: 1, p: '1999.5', tp: '2100', sl: '0' }),
    '4f9a9e64 5 1 6c64a30031e98e0000 71d75ab9b920500000 0',
    164,
  ],
  [9, 'another take-profit', update, 'be9267be 1 0 bdbfba0de175090000', 100],
  [10, 'no stop-loss of one’s own', modify({ a: 1, i: 2, sl: '0' }), 'e2441c04 1 2 0', 100],
  [11, 'more collateral', margin({ a: 0, i: 0, amount: '75.5' }), '0a21b1a1 0 0 48009e0', 100],
  [12, 'less collateral', margin({ a: 4, i: 1, amount: '-0.000001' }), '56ac637e 4 1 1', 100],
  [13, 'a delegate', setDelegateCall(ACCOUNT), 'ca5eb5e1 a9e7', 36],
  [14, 'no delegate', removeDelegateCall(), '36fb8b15', 4],
  [
    15,
    'an allowance without a limit',
    approveCall(STORAGE, UNLIMITED),
    `095ea7b3 ccd5891083a8acd2074690f65d3024e7d13d66e7 ${'f'.repeat(64)}`,
    68,
  ],
  [16, 'no allowance', approveCall(STORAGE, 0n), '095ea7b3 ccd5891083a8acd2074690f65d3024e7d13d66e7 0', 68],
]

describe('calldata', () => {
  it.each(examples)('of example %i is that of %s', (_n, _of, calldata, expected, bytes) => {
    expect(calldata).toBe(words(expected))
    expect((calldata.length - 2) / 2).toBe(bytes)
  })

  it('of example 17 carries that of example 9, in whole words', () => {
    const delegated = delegatedCall(TRADER, update)
    expect(delegated).toBe(`${words('9a10cc32 a11ce 40 64')}${update.slice(2)}${'00'.repeat(28)}`)
    expect((delegated.length - 2) / 2).toBe(228)
  })

  it('of example 18 reads a delegation', () => {
    expect(words('bffe3486 a11ce').slice(0, 10)).toBe(functions.delegations.selector)
  })

  it('names the function that it calls', () => {
    expect(functionOf(update)).toBe('updateTp')
    expect(functionOf('0xdeadbeef')).toBeUndefined()
  })

  it('refuses to write what a word does not hold', () => {
    expect(() => cancelCall({ t: 'limit', a: 65_536, i: 0 })).toThrow(RangeError)
    expect(() => cancelCall({ t: 'limit', a: 0, i: -1 })).toThrow(RangeError)
  })

  it.each(Object.entries(functions))('has the selector of %s', (name, { selector, inputs }) => {
    expect(toFunctionSelector({ type: 'function', name, inputs, outputs: [], stateMutability: 'view' })).toBe(selector)
  })
})

const abi = Object.entries(functions).map(([name, { inputs, outputs }]) => ({
  ...{ type: 'function', name, inputs, outputs, stateMutability: 'nonpayable' },
})) as unknown as Abi

/** A decimal text of at most as many places, and its value in units. */
const decimal = (places: number, unitsMax: bigint, unitsMin = 1n) =>
  fc.tuple(fc.bigInt({ min: unitsMin, max: unitsMax }), fc.boolean()).map(([units, isShort]) => {
    const digits = String(units).padStart(places + 1, '0')
    const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`
    return { units, text: isShort && places > 0 ? text.replace(/\.?0+$/, '') : text }
  })

/** A JSON number of at most as many places. */
const percent = (places: number, min: number, max: number) =>
  fc.integer({ min, max }).map((units) => ({ units: BigInt(units), value: units / 10 ** places }))

const PRICE_MAX = 10n ** 30n
const index = fc.integer({ min: 0, max: 255 })
const pair = fc.integer({ min: 0, max: 65_535 })
const address = fc
  .bigInt({ min: 1n, max: 2n ** 160n - 1n })
  .map((value) => checksummed(`0x${value.toString(16).padStart(40, '0')}`))
const argsOf = (data: Hex): readonly unknown[] => decodeFunctionData({ abi, data }).args ?? []

describe('whatever is built says what was asked', () => {
  it('for an open', () => {
    const levels = fc.uniqueArray(fc.bigInt({ min: 1n, max: PRICE_MAX }), { minLength: 3, maxLength: 3 })
    const request = fc.record({
      ...{ a: pair, b: fc.boolean(), t: fc.constantFrom('market' as const, 'limit' as const, 'stop' as const), levels },
      ...{ s: decimal(6, 10n ** 15n, 5_000_000n), l: decimal(2, 10_000n, 100n), sp: percent(2, 0, 10_000) },
      ...{ hasTp: fc.boolean(), hasSl: fc.boolean(), bd: fc.option(fc.tuple(address, percent(6, 0, 500_000))) },
      trader: address,
    })
    const textOf = (units: bigint) => `${units / 10n ** 18n}.${String(units % 10n ** 18n).padStart(18, '0')}`
    fc.assert(
      fc.property(request, ({ a, b, t, levels, s, l, sp, hasTp, hasSl, bd, trader }) => {
        const [low = 0n, p = 0n, high = 0n] = levels.toSorted((one, other) => (one < other ? -1 : 1))
        const [tp, sl] = b ? [high, low] : [low, high]
        const parsed = openRequest.parse({
          open: {
            ...{ a, b, t, p: textOf(p), s: s.text, l: l.text },
            ...{ ...(hasTp && { tp: textOf(tp) }), ...(hasSl && { sl: textOf(sl) }) },
          },
          ...(bd && { bd: { b: bd[0], f: bd[1].value } }),
          sp: sp.value,
        }) as OpenRequest
        const order = { market: 0, limit: 1, stop: 2 }[t]
        const levelsOf = { tp: hasTp ? tp : 0n, sl: hasSl ? sl : 0n }
        expect(argsOf(openCall(parsed, trader, 'zero'))).toStrictEqual([
          {
            ...{ collateral: s.units, openPrice: p, ...levelsOf, trader },
            ...{ leverage: Number(l.units), pairIndex: a, index: 0, buy: b },
          },
          { builder: bd?.[0] ?? `0x${'0'.repeat(40)}`, builderFee: Number(bd?.[1].units ?? 0n) },
          order,
          t === 'market' ? sp.units : 0n,
        ])
        expect(argsOf(openCall(parsed, trader, 'request')).at(-1)).toBe(sp.units)
      }),
      { numRuns: 500 },
    )
  })

  it('for closes', () => {
    const item = fc.record({ a: pair, t: index, p: decimal(18, PRICE_MAX), r: percent(2, 100, 10_000) })
    const closes = fc.array(item, { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(closes, percent(2, 0, 10_000), (items, sp) => {
        const given = { closes: items.map(({ p, r, ...rest }) => ({ ...rest, p: p.text, r: r.value })), sp: sp.value }
        const decoded = closeCalls(closeRequest.parse(given)).map(argsOf)
        expect(decoded).toStrictEqual(items.map(({ a, t, p, r }) => [a, t, Number(r.units), p.units, Number(sp.units)]))
      }),
    )
  })

  it('for orders that are cancelled or changed, and for collateral', () => {
    const id = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    const level = fc.option(decimal(18, PRICE_MAX, 0n))
    fc.assert(
      fc.property(pair, index, id, (a, i, o) => {
        expect(argsOf(cancel({ t: 'limit', a, i, o: 7 }))).toStrictEqual([a, i])
        expect(argsOf(cancel({ t: 'open', o, a: 7 }))).toStrictEqual([BigInt(o)])
        expect(argsOf(cancel({ t: 'close', o }))).toStrictEqual([BigInt(o), false])
      }),
    )
    fc.assert(
      fc.property(pair, index, decimal(18, PRICE_MAX), level, level, (a, i, p, tp, sl) => {
        const kept = { tp: 11n, sl: 22n }
        const given = { a, i, p: p.text, ...(tp && { tp: tp.text }), ...(sl && { sl: sl.text }) }
        const call = modifyCall(modifyRequest.parse(given), kept)
        expect(argsOf(call)).toStrictEqual([a, i, p.units, tp?.units ?? kept.tp, sl?.units ?? kept.sl])
        expect(argsOf(modify({ a, i, tp: p.text }))).toStrictEqual([a, i, p.units])
        expect(argsOf(modify({ a, i, sl: p.text }))).toStrictEqual([a, i, p.units])
      }),
    )
    fc.assert(
      fc.property(pair, index, decimal(6, 10n ** 30n), fc.boolean(), (a, i, amount, isAdded) => {
        const call = margin({ a, i, amount: isAdded ? amount.text : `-${amount.text}` })
        expect(functionOf(call)).toBe(isAdded ? 'topUpCollateral' : 'removeCollateral')
        expect(argsOf(call)).toStrictEqual([a, i, amount.units])
      }),
    )
  })

  it('inside what an agent sends', () => {
    const inner = fc.uint8Array({ maxLength: 600 }).map((bytes): Hex => `0x${Buffer.from(bytes).toString('hex')}`)
    fc.assert(
      fc.property(address, inner, (trader, call) => {
        expect(argsOf(delegatedCall(trader, call))).toStrictEqual([trader, call])
      }),
    )
  })
})
