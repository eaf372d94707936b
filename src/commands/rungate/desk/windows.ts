/**
 * What an agent used under a policy within the last minute and the last hour, in cells of a second and of a minute. A cell counts
 * until all of it is out of the window, so a limit is never passed within any span of that length.
 */

const SECONDS = 60
const MINUTES = 60

export interface Window {
  /** Second since 1970 → admitted calls, and tokens of settled ones; ascending. */
  seconds: Map<number, { requests: number; tokens: number }>
  /** Minute since 1970 → what was spent; ascending. */
  minutes: Map<number, bigint>
  /** Of calls under way. */
  reserved: bigint
  estimatedTokens: number
}

export const createWindow = (): Window => ({
  ...{ seconds: new Map(), minutes: new Map(), reserved: 0n, estimatedTokens: 0 },
})

/** Cells are replaced, never changed. */
export const cloneWindow = (window: Window): Window => ({
  ...window,
  ...{ seconds: new Map(window.seconds), minutes: new Map(window.minutes) },
})

export const secondOf = (ms: number): number => Math.floor(ms / 1_000)
export const minuteOf = (ms: number): number => Math.floor(ms / 60_000)

/** Time never goes back here, so the oldest cells come first. */
function dropBefore(cells: Map<number, unknown>, first: number): void {
  for (const at of cells.keys()) {
    if (at >= first) return
    cells.delete(at)
  }
}

export function addToMinute({ seconds }: Window, ms: number, requests: number, tokens: number): void {
  const at = secondOf(ms)
  dropBefore(seconds, at - SECONDS)
  const before = seconds.get(at)
  seconds.set(at, { requests: (before?.requests ?? 0) + requests, tokens: (before?.tokens ?? 0) + tokens })
}

export function addToHour({ minutes }: Window, ms: number, usd: bigint): void {
  const at = minuteOf(ms)
  dropBefore(minutes, at - MINUTES)
  minutes.set(at, (minutes.get(at) ?? 0n) + usd)
}

/** Gives back what a cell had too much, if it still counts. */
export function takeFromHour({ minutes }: Window, ms: number, usd: bigint): void {
  const at = minuteOf(ms)
  const before = minutes.get(at)
  if (before !== undefined) minutes.set(at, before > usd ? before - usd : 0n)
}

/** Calls and tokens within the last 60 seconds, and the cells from the oldest on. */
export function usedInMinute({ seconds }: Window, ms: number) {
  const first = secondOf(ms) - SECONDS
  const cells = [...seconds].filter(([at]) => at >= first).map(([at, cell]) => ({ at, ...cell }))
  const sum = (key: 'requests' | 'tokens') => cells.reduce((total, cell) => total + cell[key], 0)
  return { requests: sum('requests'), tokens: sum('tokens'), cells }
}

/**
 * Whole seconds until so much of the minute is gone that `excess` is out, at least 1. A cell is out one second after its last
 * instant is a minute old.
 */
export function secondsUntilGone(
  cells: readonly { at: number; requests: number; tokens: number }[],
  key: 'requests' | 'tokens',
  excess: number,
  ms: number,
): number {
  let gone = 0
  for (const cell of cells) {
    gone += cell[key]
    if (gone >= excess) return Math.max(1, Math.ceil(cell.at + SECONDS + 1 - ms / 1_000))
  }
  return SECONDS
}

/** What was spent within the last hour, calls under way apart. */
export function spentInHour({ minutes }: Window, ms: number): bigint {
  const first = minuteOf(ms) - MINUTES
  let spent = 0n
  for (const [at, usd] of minutes) if (at >= first) spent += usd
  return spent
}

/** Whole seconds until so much of the hour is gone. */
export function secondsUntilSpentGone({ minutes }: Window, excess: bigint, ms: number): number {
  let gone = 0n
  for (const [at, usd] of minutes) {
    if (at < minuteOf(ms) - MINUTES) continue
    gone += usd
    if (gone >= excess) return Math.max(1, Math.ceil((at + MINUTES + 1) * 60 - ms / 1_000))
  }
  return MINUTES * 60
}
