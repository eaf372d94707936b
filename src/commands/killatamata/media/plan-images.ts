/** Pictures, and models that are made of one. */
import { canvasOf, type Json, noting, numberIn, type Planner, sizeOf, sourceOf, textIn, unfit } from './plan.ts'

const GENERATED_PIXELS_MAX = 4_194_304
/** What an edit works on, at most. */
const EDITED_PIXELS_MAX = 1_048_576
const STEP = 32
const UPSCALE = 1.5

const CANVASES = {
  '1:1': [1024, 1024],
  '16:9': [1344, 768],
  '9:16': [768, 1344],
  '9:7': [1152, 896],
  '7:9': [896, 1152],
} as const

export const planImage: Planner = ({ given }) => {
  const notes = noting()
  const canvas = canvasOf(given, notes, CANVASES, GENERATED_PIXELS_MAX)
  const isUpscaled = given.upscale === true
  const isDetailed = given.highDetail === true
  const outputFormat = textIn(given, 'outputFormat') ?? 'webp'
  const factors = [...(isUpscaled ? ['upscale'] : []), ...(isDetailed ? ['highDetail'] : [])]
  const output = (side: number) => (isUpscaled ? Math.round(side * UPSCALE) : side)
  return {
    effective: {
      ...{ prompt: textIn(given, 'prompt') ?? '', outputFormat, highDetail: isDetailed, upscale: isUpscaled },
      ...canvas,
      ...{ outputWidth: output(canvas.width), outputHeight: output(canvas.height) },
    },
    adjustments: notes.adjustments,
    bill: { line: 'image.generate', quantity: canvas.width * canvas.height, factors, billedAt: 'submit' },
    outputNames: [`image.${outputFormat}`],
    usualS: 2,
  }
}

/** The size that an edit of a picture has: into the most pixels, then each side down to a multiple of 32. */
export function editedSize({ width, height }: { width: number; height: number }) {
  const scale = Math.min(1, Math.sqrt(EDITED_PIXELS_MAX / (width * height)))
  const snapped = (side: number) => Math.floor(Math.floor(side * scale) / STEP) * STEP
  return { width: snapped(width), height: snapped(height) }
}

export const planEdit: Planner = ({ given, sources }) => {
  const notes = noting()
  const isDetailed = given.highDetail === true
  const outputFormat = textIn(given, 'outputFormat') ?? 'webp'
  const source = sizeOf(sourceOf(sources, 'sourceImage')?.measures)
  const size = source && editedSize(source)
  if (size && (size.width < STEP || size.height < STEP)) {
    throw unfit('sourceImage', `A side of the picture is shorter than ${STEP} pixels.`)
  }
  if (source && size) notes.note('sourceImage', { ...source }, { ...size }, 'snapped_to_multiple_of_32')
  return {
    effective: {
      ...{ prompt: textIn(given, 'prompt') ?? '', outputFormat, highDetail: isDetailed },
      ...{ width: size?.width ?? null, height: size?.height ?? null },
    },
    adjustments: notes.adjustments,
    bill: {
      line: 'image.edit',
      quantity: size ? size.width * size.height : EDITED_PIXELS_MAX,
      factors: isDetailed ? ['highDetail'] : [],
      billedAt: size ? 'submit' : 'completion',
    },
    outputNames: [`image.${outputFormat}`],
    usualS: 2,
  }
}

const FACES = 100_000
const TEXTURE = 1_024
const FINE = 1_536
const FINE_TEXTURE = 2_048

export const planModel: Planner = ({ given }) => {
  const { adjustments, orDefault } = noting()
  const qualityPreset = orDefault('qualityPreset', given.qualityPreset, 'balanced')
  const targetFaceCount = orDefault('targetFaceCount', given.targetFaceCount, FACES)
  const textureSize: Json = orDefault<Json>('textureSize', given.textureSize, TEXTURE)
  for (const field of ['textureResolution', 'refinerResolution']) {
    if (numberIn(given, field) === FINE && textureSize !== FINE_TEXTURE) {
      throw unfit(field, `${FINE} needs a textureSize of ${FINE_TEXTURE}.`)
    }
  }
  const seed = orDefault('seed', given.seed, 1)
  return {
    effective: { ...withoutAbsent(given), qualityPreset, targetFaceCount, textureSize, seed },
    adjustments,
    bill: { line: `trellis.generate/${qualityPreset}`, quantity: 1, billedAt: 'submit' },
    outputNames: ['model.glb'],
    usualS: 5,
  }
}

const withoutAbsent = <T extends object>(given: T) =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
