/** Clips: their frames follow the rule 8n + 1, and their canvas is that of the first one where several are joined. */
import { Rejected } from '../rejection.ts'
import {
  type Asked,
  canvasOf,
  type Given,
  type Json,
  noting,
  numberIn,
  type Planner,
  sizeOf,
  sourceOf,
  sourcesOf,
  textIn,
  unfit,
} from './plan.ts'

const CANVASES = {
  '16:9': [768, 448],
  '9:16': [448, 768],
  '1:1': [640, 640],
  '9:7': [704, 544],
  '7:9': [544, 704],
} as const
const CANVAS_PIXELS_MAX = 2_359_296
const FRAMES = { min: 9, max: 257, usual: 121, step: 8 }
const SAMPLED_FPS = 30
const INTERPOLATED_FPS = 60
/** Of clips that cannot be looked at: what the contract says of them. */
const UNSEEN_S = 8
const UNSEEN_CANVAS = { width: 1_920, height: 1_080 }
const FRAME_RATE = 60

type Notes = ReturnType<typeof noting>

/** The nearest 8n + 1; of two that are as near, the smaller one. */
export function snappedFrames(frames: number): number {
  const below = Math.floor((frames - 1) / FRAMES.step) * FRAMES.step + 1
  return frames - below > FRAMES.step / 2 ? below + FRAMES.step : below
}

function framesOf(given: Given, sampledFps: number, { note, orDefault }: Notes): number {
  const [asked, seconds] = [numberIn(given, 'durationFrames'), numberIn(given, 'durationSeconds')]
  if (asked !== undefined && (asked - 1) % FRAMES.step !== 0) {
    const below = Math.floor((asked - 1) / FRAMES.step) * FRAMES.step + 1
    const detail = `A clip has 8n + 1 frames: ${below} or ${below + FRAMES.step}, not ${asked}.`
    throw new Rejected('invalid_frame_count', detail, '/input/durationFrames')
  }
  const frames = asked ?? (seconds === undefined ? FRAMES.usual : snappedFrames(seconds * sampledFps))
  if (frames < FRAMES.min || frames > FRAMES.max) {
    const detail = `It would have ${frames} frames; a clip has ${FRAMES.min} to ${FRAMES.max}.`
    throw new Rejected(
      'frame_budget_exceeded',
      detail,
      asked === undefined ? '/input/durationSeconds' : '/input/durationFrames',
    )
  }
  if (asked === undefined && seconds === undefined) orDefault('durationFrames', undefined, FRAMES.usual)
  else if (seconds !== undefined) {
    const reason = asked === undefined ? 'snapped_to_frame_rule' : 'durationFrames_takes_precedence'
    note('durationSeconds', seconds, frames / sampledFps, reason)
  }
  return frames
}

/** Frames of another shape than the canvas lose what hangs over. */
function noteCrops({ sources }: Asked, canvas: { width: number; height: number }, { note }: Notes): void {
  for (const source of sources) {
    const size = sizeOf(source.measures)
    if (!size || size.width * canvas.height === size.height * canvas.width) continue
    const name = source.field === 'overlapFrameImages' ? `${source.field}[${source.index}]` : source.field
    note(name, { ...size }, { ...canvas }, 'cropped_to_canvas')
  }
}

export const planVideo: Planner = (asked) => {
  const { given, sources } = asked
  const notes = noting()
  const { note, orDefault } = notes
  const sampledFps = orDefault('sampledFps', given.sampledFps, SAMPLED_FPS)
  const durationFrames = framesOf(given, sampledFps, notes)
  const { aspectRatio, ...canvas } = canvasOf(given, notes, CANVASES, CANVAS_PIXELS_MAX)
  const wanted = numberIn(given, 'interpolationFps') ?? INTERPOLATED_FPS
  const interpolationFps = wanted === 0 ? 0 : Math.max(wanted, sampledFps)
  note('interpolationFps', wanted, interpolationFps, 'below_sampled_fps')
  const hasStart = sourceOf(sources, 'startFrameImage') !== undefined
  const hasOverlap = sourceOf(sources, 'overlapFrameImages') !== undefined
  if (sourceOf(sources, 'referenceAudio') && !hasStart && !hasOverlap) {
    throw unfit('referenceAudio', 'Reference audio needs a start frame or overlap frames.')
  }
  if (hasOverlap && !hasStart) {
    note('startFrameImage', undefined, 'overlapFrameImages[0]', 'first_overlap_frame_is_frame_zero')
  }
  noteCrops(asked, canvas, notes)
  const isExtreme = given.extremeQuality === true
  const seed = orDefault('seed', given.seed, 1)
  return {
    effective: {
      ...{
        prompt: textIn(given, 'prompt') ?? '',
        ...canvas,
        aspectRatio,
        sampledFps,
        durationFrames,
        interpolationFps,
      },
      ...{ durationSeconds: durationFrames / sampledFps, extremeQuality: isExtreme, seed },
    },
    adjustments: notes.adjustments,
    bill: {
      line: 'video.generate',
      quantity: canvas.width * canvas.height * durationFrames,
      factors: isExtreme ? ['extremeQuality'] : [],
      billedAt: 'submit',
      details: { firstPass: { width: canvas.width / 2, height: canvas.height / 2 } },
    },
    outputNames: ['video.mp4'],
    usualS: 8,
  }
}

const evened = (side: number): number => Math.max(2, side - (side % 2))

export const planCombination: Planner = ({ given, sources }) => {
  const { adjustments, note } = noting()
  const clips = sourcesOf(sources, 'videoUrls')
  const overlapFrames = numberIn(given, 'overlapFrames') ?? 1
  const frameRate = numberIn(given, 'frameRate') ?? FRAME_RATE
  const known = clips.map(({ measures }) => measures)
  const first = sizeOf(known[0])
  // H.264 has sides of even numbers.
  const canvas = first && { width: evened(first.width), height: evened(first.height) }
  const frames = known.map((measures) => Math.round(((measures?.durationMs ?? UNSEEN_S * 1_000) / 1_000) * frameRate))
  const isSeen = known.every((measures) => measures !== undefined)
  const shortest = Math.min(...frames.slice(1))
  if (isSeen && shortest <= overlapFrames) {
    throw unfit('overlapFrames', `A clip of ${shortest} frames has nothing left without ${overlapFrames} of them.`)
  }
  for (const [index, measures] of known.entries()) {
    const size = sizeOf(measures)
    if (canvas && size && size.width * canvas.height !== size.height * canvas.width) {
      note(`videoUrls[${index}]`, { ...size }, { ...canvas }, 'cropped_to_canvas')
    }
  }
  const durationFrames = frames.reduce((sum, each) => sum + each, 0) - overlapFrames * (clips.length - 1)
  const { width, height } = canvas ?? UNSEEN_CANVAS
  const made: Record<string, Json> = isSeen ? { durationFrames, durationSeconds: durationFrames / frameRate } : {}
  return {
    effective: { overlapFrames, frameRate, width: canvas?.width ?? null, height: canvas?.height ?? null, ...made },
    adjustments,
    bill: {
      line: 'video.combine',
      quantity: width * height * durationFrames,
      billedAt: isSeen ? 'submit' : 'completion',
    },
    outputNames: ['video.mp4'],
    usualS: 8,
  }
}

/** Half of the millisecond in which lengths are measured. */
const LENGTH_UNSURE_S = 0.0005

/** Frames a second: a whole number where the length, as surely as it is known, allows for one. */
function rateOf(frames: number, seconds: number): number {
  const whole = Math.round(frames / seconds)
  const isWhole = Math.abs(whole * seconds - frames) <= whole * LENGTH_UNSURE_S
  return isWhole ? whole : Math.round((frames / seconds) * 100) / 100
}

export const planResize: Planner = ({ given, sources }) => {
  const { adjustments, note } = noting()
  const [width, height] = [numberIn(given, 'width') ?? 0, numberIn(given, 'height') ?? 0]
  const measures = sourceOf(sources, 'sourceVideoUrl')?.measures
  const hinted = {
    frameRate: numberIn(given, 'frameRate'),
    sourceDurationSeconds: numberIn(given, 'sourceDurationSeconds'),
  }
  const seenS = measures?.durationMs === undefined ? undefined : measures.durationMs / 1_000
  const sourceDurationSeconds = seenS ?? hinted.sourceDurationSeconds ?? UNSEEN_S
  const seenRate = seenS && measures?.frames ? rateOf(measures.frames, seenS) : undefined
  const frameRate = seenRate ?? hinted.frameRate ?? FRAME_RATE
  const durationFrames = measures?.frames ?? Math.ceil(sourceDurationSeconds * frameRate)
  if (seenS !== undefined) {
    if (hinted.frameRate !== undefined) note('frameRate', hinted.frameRate, frameRate, 'probed_from_source')
    if (hinted.sourceDurationSeconds !== undefined) {
      note('sourceDurationSeconds', hinted.sourceDurationSeconds, sourceDurationSeconds, 'probed_from_source')
    }
  }
  return {
    effective: {
      width,
      height,
      frameRate,
      sourceDurationSeconds,
      durationFrames,
      durationSeconds: sourceDurationSeconds,
    },
    adjustments,
    bill: {
      line: 'video.resize',
      quantity: width * height * durationFrames,
      billedAt: measures ? 'submit' : 'completion',
    },
    outputNames: ['video.mp4'],
    usualS: 8,
  }
}
