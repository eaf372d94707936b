/** Stars and reasons, threshold by threshold; and the page of documentation that has the same figures. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ImageMeasures, Inspection, MediaMeasures } from '../../../src/adapters/inspection/inspection.ts'
import { cannotBeRead, isApproved, lowerOf, starsOf } from '../../../src/adapters/inspection/stars.ts'
import { thresholds } from '../../../src/adapters/inspection/thresholds.ts'
import { root } from '../../support/source.ts'

const nothing: Inspection = {
  ...{
    sizeBytes: 1_000,
    sha256: 'ab'.repeat(32),
    detectedType: null,
    fault: null,
    image: null,
    media: null,
    copy: null,
  },
}
const good: ImageMeasures = {
  ...{ width: 1_600, height: 1_200, variance: 500, mean: 120, deviation: 50, perceptualHash: '0123456789abcdef' },
}
const image = (change: Partial<ImageMeasures> = {}): Inspection => ({
  ...{ ...nothing, detectedType: 'image/png', image: { ...good, ...change } },
})
const media = (type: 'video/mp4' | 'audio/wav', change: Partial<MediaMeasures> = {}): Inspection => ({
  ...{ ...nothing, detectedType: type },
  media: { durationSeconds: 5, width: null, height: null, hasPicture: true, hasSound: true, peak: null, ...change },
})

describe('stars', () => {
  it.each([
    ['a good picture', image(), 5, 'sharp and well exposed, 1600 by 1200'],
    ['a blank one', image({ deviation: 4.99 }), 1, 'deviate by 4.99, and at least 5'],
    ['one at the bound of blank', image({ deviation: 5 }), 5, ''],
    ['a small one', image({ width: 319, height: 200 }), 2, '319 by 200 pixels'],
    ['a blurred one', image({ variance: 19.999 }), 2, 'sharpness is 19.99, and at least 20'],
    ['one of 320 px', image({ width: 320, height: 240 }), 4, 'long side has 320 pixels instead of 640'],
    ['one that stands', image({ width: 300, height: 640 }), 5, ''],
    ['a soft one', image({ variance: 59.9 }), 4, 'sharpness is 59.9 instead of 60'],
    ['a dark one', image({ mean: 24.9 }), 4, 'dark, with a mean tone of 24.9'],
    ['a bright one', image({ mean: 230.5 }), 4, 'very bright, with a mean tone of 230.5'],
    ['a long one', image({ width: 4_100, height: 1_000 }), 4, '4.1 times as long as wide'],
    ['one of exactly four to one', image({ width: 4_000, height: 1_000 }), 5, ''],
    ['a soft and dark one', image({ variance: 30, mean: 10 }), 3, 'and it is dark'],
    ['one with every weakness', image({ width: 600, height: 100, variance: 30, mean: 10 }), 3, ''],
    ['a short video', media('video/mp4', { durationSeconds: 0.999 }), 2, 'too short: 0.99 s'],
    ['a video without picture', media('video/mp4', { hasPicture: false }), 2, 'no picture'],
    ['a video', media('video/mp4', { durationSeconds: 1 }), 5, 'lasts 1 s'],
    ['a silent recording', media('audio/wav', { peak: 0.0099 }), 2, 'silent: its peak is 0.99 %'],
    ['a quiet recording', media('audio/wav', { peak: 0.01 }), 5, ''],
    ['a file with a fault', { ...nothing, fault: { kind: 'empty' as const, detail: 'it is empty' } }, 1, 'it is empty'],
  ])('%s', (_, inspection, stars, reason) => {
    const score = starsOf(inspection, false)
    expect(score.stars).toBe(stars)
    expect(score.reason).toContain(reason)
    expect(score.reason).toMatch(/^[A-Z].*\.$/)
  })

  it('gives one star to bytes that were submitted before, however good', () => {
    expect(starsOf(image(), true)).toStrictEqual({ stars: 1, reason: 'The same file was submitted before.' })
  })

  it('says of a file with a fault what the fault is, repeated or not', () => {
    const fault = { kind: 'empty' as const, detail: 'it is empty' }
    expect(starsOf({ ...nothing, fault }, true)).toStrictEqual(starsOf({ ...nothing, fault }, false))
  })

  it('approves from three stars on', () => {
    expect([1, 2, 3, 4, 5].map((stars) => isApproved({ stars }))).toStrictEqual([false, false, true, true, true])
    expect(isApproved(cannotBeRead())).toBe(false)
  })

  it('takes the lower of two opinions, and the first where they agree', () => {
    const [four, three] = [
      { stars: 4, reason: 'a' },
      { stars: 3, reason: 'b' },
    ]
    expect([lowerOf(four, three), lowerOf(three, four)]).toStrictEqual([three, three])
    expect(lowerOf(four, { ...four, reason: 'c' })).toBe(four)
  })
})

it('docs/inspection.md has the figures of the code, all of them, each once', () => {
  const page = readFileSync(join(root, 'docs/inspection.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([\d.]+) \|/gm)].map(([, name, value]) => [name, Number(value)])
  expect(rows).toStrictEqual(Object.entries(thresholds))
})
