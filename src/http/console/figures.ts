/** The times that plots cover, by their addresses, and the figures of a plot as rows of a table and as JSON. */
import type { Plot } from '../pages/declaration.ts'

/** What `range` may be in an address, how long that is, and how long its steps are, in seconds. */
export const RANGES = [
  { name: '15m', says: '15 min', lengthS: 900, stepS: 10 },
  { name: '1h', says: '1 h', lengthS: 3_600, stepS: 30 },
  { name: '24h', says: '24 h', lengthS: 86_400, stepS: 600 },
  { name: '7d', says: '7 days', lengthS: 604_800, stepS: 3_600 },
  { name: '30d', says: '30 days', lengthS: 2_592_000, stepS: 14_400 },
] as const
const RANGE_DEFAULT = RANGES[1]

export const rangeOf = (query: URLSearchParams): (typeof RANGES)[number] =>
  RANGES.find(({ name }) => name === query.get('range')) ?? RANGE_DEFAULT

/** The seconds at which steps begin. */
export const steps = (fromS: number, untilS: number, stepS: number): number[] =>
  Array.from({ length: Math.max(0, Math.floor((untilS - fromS) / stepS) + 1) }, (_, at) => fromS + at * stepS)

/** `[[unix s, …], [first line, …], …]`: null where a line has no figure at that second. Levels are at every one. */
export function figuresOf({ lines }: Plot): (number | null)[][] {
  const at = [...new Set(lines.flatMap(({ points }) => points.map(([atS]) => atS)))].sort((a, b) => a - b)
  return [
    at,
    ...lines.map(({ points, as }) => {
      const known = new Map(points)
      return at.map((atS) => (as === 'level' ? (points[0]?.[1] ?? null) : (known.get(atS) ?? null)))
    }),
  ]
}
