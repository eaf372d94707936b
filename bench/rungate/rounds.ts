/** Several sides in turn, and what one of them takes longer than another. */
import { type Figures, figuresOf, type Measurement, type Round, within } from '../measure.ts'

/** A round of each side after the other, so often: per side its rounds, in the order of the sides. */
export async function inTurn(rounds: number, sides: readonly (() => Promise<Round>)[]): Promise<Round[][]> {
  const measured: Round[][] = sides.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, side] of sides.entries()) measured[index]!.push(await side())
  }
  return measured
}

/** The rates of two sides, as a ratio. */
export function ratioOf(
  name: string,
  ours: readonly Round[],
  reference: readonly Round[],
  bounds: { floor: number; goal: number },
): Measurement {
  const figures = { ours: figuresOf(ours), reference: figuresOf(reference) }
  return { name, ...figures, ratio: figures.ours.median / figures.reference.median, ...bounds }
}

export const quantileOf = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** What of ours comes on top of the reference's, in milliseconds: of each pair of rounds, and the median of those. */
export function added(
  name: string,
  ours: readonly (readonly number[])[],
  reference: readonly (readonly number[])[],
  share: number,
  bounds: { atMost: number; wanted: number },
): Measurement {
  const of = ours.map((round, index) => quantileOf(round, share) - quantileOf(reference[index] ?? [], share))
  const sorted = of.toSorted((left, right) => left - right)
  const median = sorted[sorted.length >> 1] ?? 0
  const figures: Figures = { median, minimum: sorted[0] ?? 0, maximum: sorted.at(-1) ?? 0 }
  // Below the clock's grain there is nothing to compare.
  return within(name, figures, { measured: Math.max(0.01, median), ...bounds })
}
