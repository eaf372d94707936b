/** The figures that stars follow from, in one place. docs/inspection.md has the same ones; a test compares them. */

export const thresholds = {
  /** One star. */
  pixelsMax: 50_000_000,
  blankDeviation: 5,
  nearDuplicateBits: 6,
  durationMaxSeconds: 86_400,
  crashesMax: 3,
  /** Two stars. */
  longSideMin: 320,
  varianceMin: 20,
  durationMinSeconds: 1,
  peakMin: 0.01,
  /** One star less each, not below three. */
  longSideGood: 640,
  varianceGood: 60,
  meanDark: 25,
  meanBright: 230,
  aspectMax: 4,
} as const
export type Threshold = keyof typeof thresholds
