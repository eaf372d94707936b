/**
 * Stars and their reason, from what an inspection saw. Pure: the same file gets the same stars. The reason is one sentence
 * for people that names what decided, with its figures.
 */
import type { ImageMeasures, Inspection, MediaMeasures } from './inspection.ts'
import { thresholds } from './thresholds.ts'

export interface Score {
  /** 1 to 5; from 3 on a file is approved. */
  stars: number
  /** One sentence for people. */
  reason: string
}

/** Part of what a score means. */
const APPROVED_MIN = 3
export const isApproved = ({ stars }: Pick<Score, 'stars'>): boolean => stars >= APPROVED_MIN

const one = (reason: string): Score => ({ stars: 1, reason })
const two = (reason: string): Score => ({ stars: 2, reason })
/** Cut, not rounded: what is below a bound must not read as the bound. */
const rounded = (value: number): string => String(Math.floor(value * 100 + 1e-9) / 100)

/**
 * The stars of a file that was inspected. `isRepeated`: the same bytes were submitted before. Whether a picture looks like
 * one that its job has, the job's stream decides.
 */
export function starsOf(inspection: Inspection, isRepeated: boolean): Score {
  const { fault, image, media } = inspection
  if (fault) return one(`The file cannot be used: ${fault.detail}.`)
  if (isRepeated) return one('The same file was submitted before.')
  if (image) return starsOfImage(image)
  if (media) return starsOfMedia(media, inspection.detectedType ?? '')
  return one('The file cannot be used: nothing in it could be measured.')
}

/** The score of a file that has ended the inspector each time. */
export const cannotBeRead = (): Score => one('The file cannot be read.')

/** Two opinions make the lower of them; where both are the same, the first one’s reason stands. */
export const lowerOf = (first: Score, second: Score): Score => (second.stars < first.stars ? second : first)

function starsOfImage(image: ImageMeasures): Score {
  const { width, height, variance, mean, deviation } = image
  const longSide = Math.max(width, height)
  const { blankDeviation, longSideMin, varianceMin } = thresholds
  if (deviation < blankDeviation) {
    return one(
      `The picture is blank: its tones deviate by ${rounded(deviation)}, and at least ${blankDeviation} is needed.`,
    )
  }
  if (longSide < longSideMin) {
    return two(
      `The picture is too small: ${width} by ${height} pixels, and its long side needs at least ${longSideMin}.`,
    )
  }
  if (variance < varianceMin) {
    return two(`The picture is blurred: its sharpness is ${rounded(variance)}, and at least ${varianceMin} is needed.`)
  }
  return withWeaknesses(
    weaknessesOf(image),
    `The picture is sharp and well exposed, ${width} by ${height} pixels, with a mean tone of ${rounded(mean)}.`,
  )
}

function weaknessesOf({ width, height, variance, mean }: ImageMeasures): string[] {
  const [longSide, shortSide] = [Math.max(width, height), Math.min(width, height)]
  const { longSideGood, varianceGood, meanDark, meanBright, aspectMax } = thresholds
  const found: string[] = []
  if (longSide < longSideGood) found.push(`its long side has ${longSide} pixels instead of ${longSideGood}`)
  if (variance < varianceGood) found.push(`its sharpness is ${rounded(variance)} instead of ${varianceGood}`)
  if (mean < meanDark) found.push(`it is dark, with a mean tone of ${rounded(mean)} instead of ${meanDark}`)
  if (mean > meanBright) found.push(`it is very bright, with a mean tone of ${rounded(mean)} instead of ${meanBright}`)
  const aspect = longSide / shortSide
  if (aspect > aspectMax) found.push(`it is ${rounded(aspect)} times as long as wide instead of ${aspectMax}`)
  return found
}

function withWeaknesses(found: readonly string[], good: string): Score {
  if (found.length === 0) return { stars: 5, reason: good }
  return {
    stars: Math.max(APPROVED_MIN, 5 - found.length),
    reason: `The picture is usable, but ${found.join(', and ')}.`,
  }
}

function starsOfMedia({ durationSeconds, hasPicture, peak }: MediaMeasures, type: string): Score {
  const isVideo = type.startsWith('video/')
  const what = isVideo ? 'video' : 'recording'
  const { durationMinSeconds, peakMin } = thresholds
  if (durationSeconds < durationMinSeconds) {
    return two(
      `The ${what} is too short: ${rounded(durationSeconds)} s, and at least ${durationMinSeconds} s is needed.`,
    )
  }
  if (isVideo && !hasPicture) return two('The video has no picture.')
  if (peak !== null && peak < peakMin) {
    return two(
      `The recording is silent: its peak is ${rounded(peak * 100)} %, and at least ${peakMin * 100} % is needed.`,
    )
  }
  return { stars: 5, reason: `The ${what} is complete and lasts ${rounded(durationSeconds)} s.` }
}
