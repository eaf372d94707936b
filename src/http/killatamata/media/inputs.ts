/** The inputs of the ten tasks, as the contract has them. What depends on several members is decided by the plans (commands/killatamata/media). */
import { z } from '@hono/zod-openapi'
import { boundedText, listOf, text } from '../../schemas.ts'
import { REQUEST_KEY_LENGTH_MAX } from '../request-key.ts'

const URL_LENGTH_MAX = 2_000
const PROMPT_LENGTH_MAX = 4_000
const LYRICS_LENGTH_MAX = 12_000
const TRANSCRIPT_LENGTH_MAX = 24_000
const SEED_MAX = 2_147_483_647
/** As much as a whole body has. */
const DATA_LENGTH_MAX = 33_554_432

export const address = z
  .string()
  .refine(
    (given) => given.length <= URL_LENGTH_MAX && URL.canParse(given),
    `must be a URL of at most ${URL_LENGTH_MAX} characters`,
  )
  .openapi({ type: 'string', format: 'uri' })

const eitherSource = (given: { url?: unknown; dataBase64?: unknown }): boolean =>
  (given.url === undefined) !== (given.dataBase64 === undefined)
const EITHER = 'must have either url or dataBase64'

const inlineImage = z
  .strictObject({
    url: address.optional(),
    dataBase64: boundedText(DATA_LENGTH_MAX).optional(),
    mimeType: z.enum(['image/webp', 'image/png', 'image/jpeg', 'image/jpg']).optional(),
  })
  .refine(eitherSource, EITHER)
  .openapi('MediaInlineImageSource')
const image = z.union([address, inlineImage]).openapi('MediaImageInput')

const AUDIO_TYPES = [
  ...(['audio/ogg', 'audio/opus', 'audio/wav', 'audio/x-wav', 'audio/wave', 'audio/mpeg', 'audio/mp3'] as const),
  ...(['audio/flac', 'audio/x-flac', 'audio/aac', 'audio/mp4', 'audio/webm'] as const),
] as const
const inlineAudio = z
  .strictObject({
    url: address.optional(),
    dataBase64: boundedText(DATA_LENGTH_MAX).optional(),
    mimeType: z.enum(AUDIO_TYPES).optional(),
  })
  .refine(eitherSource, EITHER)
  .openapi('MediaInlineAudioSource')
const audio = z.union([address, inlineAudio]).openapi('MediaAudioInput')

const MIME_LENGTH_MAX = 100
const spokenReference = z.union([
  address,
  z
    .strictObject({
      url: address.optional(),
      dataBase64: boundedText(DATA_LENGTH_MAX).optional(),
      mimeType: z
        .string()
        .refine((given) => given.length <= MIME_LENGTH_MAX, `must have at most ${MIME_LENGTH_MAX} characters`)
        .optional(),
    })
    .refine(eitherSource, EITHER),
])

const aspectRatio = z.enum(['1:1', '16:9', '9:16', '9:7', '7:9']).openapi('MediaAspectRatio')
const FORMATS = ['webp', 'png', 'jpg'] as const
/** Dotted names are taken too, and mean the same. */
const outputFormat = z
  .enum([...FORMATS, '.webp', '.png', '.jpg'])
  .openapi('MediaImageOutputFormat', { type: 'string', enum: [...FORMATS], default: 'webp' })

const prompt = text(PROMPT_LENGTH_MAX, 1)
const whole = (min: number, max: number) => z.int().min(min).max(max)
const seed = whole(1, SEED_MAX)
const quality = z.enum(['96k', '128k', '192k'])
const side = z.int().min(32).multipleOf(32).openapi({ multipleOf: 32 })
const many = <S extends z.ZodType>(of: S, max: number) => listOf(of, max).openapi({ maxItems: max })

const REFERENCES_MAX = 5
const references = {
  referenceImageUrls: many(address, REFERENCES_MAX).optional(),
  referenceImages: many(image, REFERENCES_MAX).optional(),
}

const generateImage = z.strictObject({
  prompt,
  aspectRatio: aspectRatio.optional(),
  outputFormat: outputFormat.optional(),
  highDetail: z.boolean().optional(),
  upscale: z.boolean().optional(),
  width: side.optional(),
  height: side.optional(),
  ...references,
})

const editImage = z.strictObject({
  prompt,
  sourceImageUrl: address.optional(),
  sourceImage: image.optional(),
  outputFormat: outputFormat.optional(),
  highDetail: z.boolean().optional(),
  ...references,
})

const OVERLAP_MAX = 12
const generateVideo = z.strictObject({
  prompt,
  startFrameImageUrl: address.optional(),
  startFrameImage: image.optional(),
  sourceImageUrl: address.optional(),
  sourceImage: image.optional(),
  overlapFrameImageUrls: many(address, OVERLAP_MAX).optional(),
  overlapFrameImages: many(image, OVERLAP_MAX).optional(),
  finalFrameImageUrl: address.optional(),
  finalFrameImage: image.optional(),
  referenceAudioUrl: address.optional(),
  referenceAudio: audio.optional(),
  durationSeconds: whole(3, 20).optional(),
  durationFrames: whole(9, 257).optional(),
  aspectRatio: aspectRatio.optional(),
  sampledFps: whole(1, 50).optional(),
  width: side.optional(),
  height: side.optional(),
  interpolationFps: z.union([z.literal(0), whole(30, 60)]).optional(),
  seed: seed.optional(),
  extremeQuality: z.boolean().optional(),
})

const CLIPS = { min: 2, max: 24 }
const combineVideos = z.strictObject({
  videoUrls: listOf(address, CLIPS.max)
    .refine((urls) => urls.length >= CLIPS.min, `must have at least ${CLIPS.min} elements`)
    .openapi({ minItems: CLIPS.min, maxItems: CLIPS.max }),
  overlapFrames: whole(0, 120).optional(),
  frameRate: whole(1, 120).optional(),
})

const evenSide = z.int().min(2).max(7_680).multipleOf(2).openapi({ multipleOf: 2 })
const resizeVideo = z.strictObject({
  sourceVideoUrl: address,
  width: evenSide,
  height: evenSide,
  frameRate: whole(1, 120).optional(),
  sourceDurationSeconds: z.number().min(0.1).max(600).optional(),
})

const speak = z.strictObject({
  text: text(6_000, 1),
  provider: z.enum(['omnivoice', 'gemini']).optional(),
  mode: z.enum(['voice_design', 'voice_clone']).optional(),
  voiceDescription: text(240, 4).optional(),
  voiceName: text(120, 1).optional(),
  instructions: text(2_000, 1).optional(),
  referenceAudioUrl: address.optional(),
  referenceAudio: spokenReference.optional(),
  referenceTranscript: text(2_000, 1).optional(),
  language: z.enum(['English', 'en']).optional(),
  quality: quality.optional(),
  seed: seed.optional(),
})

const annotate = z.strictObject({
  sourceAudioUrl: address.optional(),
  sourceAudio: audio.optional(),
  transcript: text(TRANSCRIPT_LENGTH_MAX, 1).optional(),
  language: z.enum(['en']).optional(),
  transcriptionModel: z.enum(['distil-large-v3', 'large-v3']).optional(),
  device: z.enum(['auto', 'cuda', 'cpu']).optional(),
})

const KEY_SCALE = /^[A-G](?:#|b)?\s(?:major|minor)$/
const createMusic = z.strictObject({
  tags: text(2_000, 1),
  lyrics: text(LYRICS_LENGTH_MAX, 1),
  qualityPreset: z.enum(['default', 'high_quality']).optional(),
  durationSeconds: whole(15, 240).optional(),
  bpm: whole(40, 240).optional(),
  quality: quality.optional(),
  seed: seed.optional(),
  steps: whole(4, 32).optional(),
  textCfgScale: z.number().min(1).max(8).optional(),
  samplerCfg: z.number().min(1).max(12).optional(),
  temperature: z.number().min(0.1).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: whole(0, 200).optional(),
  minP: z.number().min(0).max(0.5).optional(),
  timeSignature: z.enum(['2', '3', '4', '5', '6', '7']).optional(),
  language: z.enum(['en']).optional(),
  keyScale: z.string().regex(KEY_SCALE).optional(),
})

const makeEffect = z.strictObject({
  prompt: text(2_000, 1),
  durationSeconds: whole(1, 30).optional(),
  quality: quality.optional(),
  temperature: z.number().min(0.1).max(3).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: whole(1, 200).optional(),
  repetitionPenalty: z.number().min(0.8).max(2.5).optional(),
  maxNewTokens: whole(64, 4_096).optional(),
})

const oneOf = <const N extends readonly number[]>(...numbers: N) =>
  z.literal(numbers).openapi({ type: 'integer', enum: [...numbers] })
const makeModel = z.strictObject({
  sourceImageUrl: address.optional(),
  sourceImage: inlineImage.optional(),
  qualityPreset: z.enum(['performance', 'balanced', 'fidelity']).optional(),
  targetFaceCount: whole(1_000, 500_000).optional(),
  textureSize: oneOf(512, 1_024, 2_048).optional(),
  textureResolution: oneOf(512, 1_024, 1_536).optional(),
  maxViews: whole(2, 6).optional(),
  sparseStructureSteps: whole(8, 20).optional(),
  shapeSteps: whole(8, 20).optional(),
  textureSteps: whole(8, 20).optional(),
  meshResolution: oneOf(128, 256, 512, 1_024).optional(),
  removeBackground: z.boolean().optional(),
  padding: whole(0, 64).optional(),
  refinerResolution: oneOf(512, 1_024, 1_536).optional(),
  refinerDownsampling: oneOf(16, 32, 64).optional(),
  remeshFillHoles: z.boolean().optional(),
  remeshFillHolesMaxPerimeter: z.number().min(0.005).max(0.2).optional(),
  remeshRemoveFloaters: z.boolean().optional(),
  remeshRemoveInnerFaces: z.boolean().optional(),
  meshClusterConeHalfAngleRad: z.number().min(35).max(85).optional(),
  postprocessPositionEpsilon: z.number().min(1e-6).max(0.001).optional(),
  postprocessNormalCreaseDeg: z.number().min(1).max(180).optional(),
  seed: seed.optional(),
})

const jobFor = <const Task extends string, Input extends z.ZodType>(task: Task, input: Input) =>
  z.strictObject({
    task: z.enum([task]),
    input,
    idempotencyKey: text(REQUEST_KEY_LENGTH_MAX, 1).optional(),
    completionCallbackUrl: address.optional(),
  })

export const mediaJobRequest = z
  .discriminatedUnion('task', [
    jobFor('image.generate', generateImage),
    jobFor('image.edit', editImage),
    jobFor('video.generate', generateVideo),
    jobFor('video.combine', combineVideos),
    jobFor('video.resize', resizeVideo),
    jobFor('audio.speak', speak),
    jobFor('audio.annotation.reference', annotate),
    jobFor('ace.step.create', createMusic),
    jobFor('moss.sound.effect', makeEffect),
    jobFor('trellis.generate', makeModel),
  ])
  .openapi('MediaJobRequest')
