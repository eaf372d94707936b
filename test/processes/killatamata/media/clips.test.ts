/** Clips are what their effective input says, counted by ffprobe: canvas, frames, their rate, length and sound. */

import { join } from 'node:path'
import fc from 'fast-check'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Rejected } from '../../../../src/commands/killatamata/rejection.ts'
import { startStudio } from './studio.ts'

const COMBINATIONS = 40
const WAIT_MS = 240_000
const studio = startStudio()
const frame = join(studio.directory, 'frame.png')
let speech: string

beforeAll(async () => {
  await sharp({ create: { width: 300, height: 200, channels: 3, background: '#2468ac' } })
    .png()
    .toFile(frame)
  speech = (await studio.make('audio.speak', { text: 'One, two, three, four.' })).file.path
}, WAIT_MS)
afterAll(() => studio.close())

const image = (field: string, index = 0) => ({ field, index, path: frame, mimeType: 'image/png' })
const side = fc.integer({ min: 2, max: 8 }).map((n) => n * 32)
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })

const asked = fc.record({
  size: fc.record({ width: side, height: side }),
  durationFrames: optional(fc.integer({ min: 1, max: 8 }).map((n) => 8 * n + 1)),
  durationSeconds: optional(fc.integer({ min: 3, max: 4 })),
  sampledFps: fc.integer({ min: 8, max: 50 }),
  interpolationFps: optional(fc.constantFrom(0, 30, 48, 60)),
  hasStart: fc.boolean(),
  hasFinal: fc.boolean(),
  hasAudio: fc.boolean(),
  overlaps: fc.integer({ min: 0, max: 3 }),
  seed: fc.integer({ min: 1, max: 1_000 }),
})

describe('a clip', () => {
  it(
    'has the canvas, the frames, the rate and the sound of its effective input, in 40 combinations',
    async () => {
      let combinations = 0
      const holds = fc.asyncProperty(asked, async ({ size, hasStart, hasFinal, hasAudio, overlaps, ...given }) => {
        if (given.durationFrames === undefined && given.durationSeconds === undefined) given.durationFrames = 17
        const isHeard = hasAudio && (hasStart || overlaps > 0)
        const files = [
          ...(hasStart ? [image('startFrameImage')] : []),
          ...(hasFinal ? [image('finalFrameImage')] : []),
          ...Array.from({ length: overlaps }, (_, index) => image('overlapFrameImages', index)),
          ...(isHeard ? [{ field: 'referenceAudio', index: 0, path: speech, mimeType: 'audio/ogg' }] : []),
        ]
        const { plan, file } = await studio.make('video.generate', { prompt: 'waves', ...size, ...given }, files)
        const { width, height, durationFrames, sampledFps, interpolationFps, durationSeconds } =
          plan.effective as never as Record<string, number>
        const { video, audio, durationS } = await studio.counted(file.path)
        const fps = interpolationFps || sampledFps || 0
        combinations += 1
        expect(video).toMatchObject({ codec_name: 'h264', width, height, avg_frame_rate: `${fps}/1` })
        expect(((durationFrames ?? 0) - 1) % 8).toBe(0)
        expect(durationSeconds).toBe((durationFrames ?? 0) / (sampledFps ?? 1))
        expect(Math.abs(Number(video.nb_read_frames) - (durationSeconds ?? 0) * fps)).toBeLessThanOrEqual(2)
        expect(Math.abs(durationS - (durationSeconds ?? 0))).toBeLessThan(0.1)
        expect(audio?.codec_name).toBe(isHeard ? 'aac' : undefined)
        if (isHeard) expect(Math.abs(Number(audio.duration) - (durationSeconds ?? 0))).toBeLessThan(0.05)
      })
      await fc.assert(holds, { numRuns: COMBINATIONS, seed: 7, endOnFailure: true })
      expect(combinations).toBe(COMBINATIONS)
    },
    WAIT_MS,
  )

  it(
    'is the same for the same seed, and another for another',
    async () => {
      const given = { prompt: 'waves', width: 64, height: 64, durationFrames: 9, interpolationFps: 0 }
      const made = async (seed: number) => (await studio.make('video.generate', { ...given, seed })).file.sha256
      expect(await made(3)).toBe(await made(3))
      expect(await made(3)).not.toBe(await made(4))
    },
    WAIT_MS,
  )

  it(
    'is joined with others in order without their doubled heads, and resized frame by frame',
    async () => {
      const given = { prompt: 'waves', durationFrames: 17, sampledFps: 30, interpolationFps: 60 }
      const first = await studio.make('video.generate', { ...given, width: 128, height: 64 })
      const files = [
        image('startFrameImage'),
        { field: 'referenceAudio', index: 0, path: speech, mimeType: 'audio/ogg' },
      ]
      const second = await studio.make('video.generate', { ...given, width: 64, height: 64 }, files)
      const clips = [first, second].map(({ file }, index) => ({
        ...{ field: 'videoUrls', index, path: file.path, mimeType: 'video/mp4' },
      }))
      const { plan, file } = await studio.make('video.combine', { overlapFrames: 4, frameRate: 60 }, clips)
      const joined = await studio.counted(file.path)
      expect(plan.adjustments).toMatchObject([{ field: 'videoUrls[1]', reason: 'cropped_to_canvas' }])
      expect(joined).toMatchObject({ video: { width: 128, height: 64 }, audio: { codec_name: 'aac' } })
      expect(Math.abs(Number(joined.video.nb_read_frames) - Number(plan.effective.durationFrames))).toBeLessThanOrEqual(
        2,
      )
      const source = [{ field: 'sourceVideoUrl', index: 0, path: file.path, mimeType: 'video/mp4' }]
      const resized = await studio.make('video.resize', { width: 50, height: 100, frameRate: 60 }, source)
      expect(resized.plan).toMatchObject({ effective: { frameRate: 60 }, adjustments: [] })
      const small = await studio.counted(resized.file.path)
      expect(small.video).toMatchObject({ width: 50, height: 100, nb_read_frames: joined.video.nb_read_frames })
      expect(small.audio).toMatchObject({ codec_name: 'aac' })
    },
    WAIT_MS,
  )

  it('of more frames than there may be, or of a number that is none, is refused with what would do', async () => {
    const refused = (given: object) =>
      studio.make('video.generate', { prompt: 'waves', ...given }).catch((error) => error)
    const none = await refused({ durationFrames: 50 })
    expect(none).toMatchObject({ code: 'invalid_frame_count', message: expect.stringContaining('49 or 57') })
    expect(none).toBeInstanceOf(Rejected)
    expect(await refused({ durationSeconds: 20 })).toMatchObject({ code: 'frame_budget_exceeded' })
  })
})

describe('a model', () => {
  it(
    'has at most as many faces as asked, and the picture as its texture',
    async () => {
      const { file } = await studio.make('trellis.generate', { targetFaceCount: 5_000, textureSize: 512 }, [
        image('sourceImage'),
      ])
      const { NodeIO } = await import('@gltf-transform/core')
      const document = await new NodeIO().read(file.path)
      const [mesh] = document.getRoot().listMeshes()
      const faces = (mesh?.listPrimitives()[0]?.getIndices()?.getCount() ?? 0) / 3
      expect(faces).toBeGreaterThan(2_000)
      expect(faces).toBeLessThanOrEqual(5_000)
      const [texture] = document.getRoot().listTextures()
      expect(await sharp(texture?.getImage() ?? new Uint8Array()).metadata()).toMatchObject({ width: 512, height: 512 })
    },
    WAIT_MS,
  )
})

describe('a transcript', () => {
  it(
    'is timed word by word within what is spoken',
    async () => {
      const source = [{ field: 'sourceAudio', index: 0, path: speech, mimeType: 'audio/ogg' }]
      const { file } = await studio.make('audio.annotation.reference', { transcript: 'One two three four' }, source)
      const { readFileSync } = await import('node:fs')
      const { words, segments, durationSeconds } = JSON.parse(readFileSync(file.path, 'utf8'))
      expect(words.map(({ word }: { word: string }) => word)).toStrictEqual(['One', 'two', 'three', 'four'])
      expect(segments.length).toBeGreaterThan(0)
      for (const { start, end } of words) expect(0 <= start && start < end && end <= durationSeconds).toBe(true)
    },
    WAIT_MS,
  )
})
