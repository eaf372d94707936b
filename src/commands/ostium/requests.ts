/** What traders ask for, in the units of the contracts. Members have the names of the API, which are the trader's words. */

/** A position that is opened, or an order for one. */
export interface OpenRequest {
  open: {
    /** Index of the pair. */
    a: number
    /** True: long. */
    b: boolean
    t: 'market' | 'limit' | 'stop'
    /** 1e18. */
    p: bigint
    /** Collateral, 1e6. */
    s: bigint
    /** Leverage, 1e2. */
    l: bigint
    /** 1e18; absent or 0: the contract's own level. */
    tp?: bigint | undefined
    sl?: bigint | undefined
  }
  /** An integrator and its fee, 1e6 to the percent. */
  bd?: { b: string; f: bigint } | undefined
  /** Slippage, 1e2 to the percent. */
  sp?: bigint | undefined
}

export interface CloseRequest {
  /** `r`: how much of it, 1e2 to the percent. */
  closes: { a: number; t: number; p: bigint; r: bigint }[]
  sp?: bigint | undefined
}

export type CancelItem = { t: 'limit'; a: number; i: number } | { t: 'open' | 'close'; o: number }
export interface CancelRequest {
  cancels: CancelItem[]
}

/** With `p` an order that waits for its price, without it one level of an open position. */
export interface ModifyRequest {
  a: number
  i: number
  p?: bigint | undefined
  tp?: bigint | undefined
  sl?: bigint | undefined
}

export interface MarginRequest {
  a: number
  i: number
  /** 1e6; below 0 it is taken out. */
  amount: bigint
}

/** The levels of an order that waits, as the chain has them. */
export interface OrderLevels {
  tp: bigint
  sl: bigint
  buy: boolean
}

/** Which levels stand on the wrong side of the price; those that are not set stand nowhere. */
export function wrongLevels(isBuy: boolean, p: bigint, { tp, sl }: { tp: bigint; sl: bigint }): ('tp' | 'sl')[] {
  const isAbove = (level: bigint) => (isBuy ? level > p : level < p)
  const isBelow = (level: bigint) => (isBuy ? level < p : level > p)
  return [
    ...(tp === 0n || isAbove(tp) ? [] : (['tp'] as const)),
    ...(sl === 0n || isBelow(sl) ? [] : (['sl'] as const)),
  ]
}
