/**
 * Clips, by ffmpeg: a picture is panned over and passes into its final one; overlap frames stand as they came; clips are joined, each
 * without its doubled head; one is resized. Frames, their rate, the canvas and the sound are what was asked for.
 */
import sharp from 'sharp'
import { mediaTypes } from '../media-types.ts'
import type { InputFile } from '../order.ts'
import { FILES_ONLY } from '../probe.ts'
import { drawing } from './pictures.ts'
import {
  inputOf,
  inputsOf,
  numberAt,
  numbersOf,
  outputPath,
  QUIET,
  REPEATABLE,
  run,
  type Studio,
  scratch,
  textAt,
} from './studio.ts'

/** The picture under the canvas is so much larger: there the canvas pans. */
const MARGIN = 1.125
const even = (side: number): number => 2 * Math.ceil(side / 2)
const CODEC = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-pix_fmt', 'yuv420p', '-threads', '1']
const AUDIO = ['-c:a', 'aac', '-b:a', '128k', '-ar', '48000', '-ac', '2']
const END = ['-movflags', '+faststart', ...REPEATABLE]

const asInput = ({ path, mimeType }: InputFile): string[] => [
  ...FILES_ONLY,
  ...['-f', mediaTypes[mimeType]?.demuxer ?? 'mov', '-i', path],
]
const still = (path: string, fps: number): string[] => [
  ...FILES_ONLY,
  ...['-f', 'image2', '-loop', '1', '-framerate', String(fps), '-i', path],
]

const fitted = (path: string, width: number, height: number, to: string) =>
  sharp(path).rotate().resize(width, height, { fit: 'cover', position: 'centre' }).flatten().png().toFile(to)

/** The stills of a clip, each in the size in which it is used. */
async function drawStills(studio: Studio, width: number, height: number) {
  const [wide, high] = [even(width * MARGIN), even(height * MARGIN)]
  const overlaps = inputsOf(studio, 'overlapFrameImages')
  const start = inputOf(studio, 'startFrameImage') ?? overlaps.at(-1)
  const base = scratch(studio, 'base.png')
  if (start) await fitted(start.path, wide, high, base)
  else {
    const text = `${textAt(studio, 'prompt')}`
    await sharp(drawing(text, wide, high, { seed: String(numberAt(studio, 'seed')) }))
      .png()
      .toFile(base)
  }
  const final = inputOf(studio, 'finalFrameImage')
  const last = final && scratch(studio, 'last.png')
  if (final && last) await fitted(final.path, width, height, last)
  for (const [index, { path }] of overlaps.entries()) {
    await fitted(path, width, height, scratch(studio, `overlap-${String(index).padStart(2, '0')}.png`))
  }
  return { base, last, overlaps: overlaps.length }
}

export async function renderVideo(studio: Studio): Promise<void> {
  const [width, height] = [numberAt(studio, 'width'), numberAt(studio, 'height')]
  const [fps, frames] = [numberAt(studio, 'sampledFps'), numberAt(studio, 'durationFrames')]
  const outputFps = numberAt(studio, 'interpolationFps') || fps
  const { base, last, overlaps } = await drawStills(studio, width, height)
  const next = numbersOf(`${textAt(studio, 'prompt')} ${numberAt(studio, 'seed')}`)
  const pan = (room: string) => (next() < 0.5 ? `${room}*n/${frames}` : `${room}*(1-n/${frames})`)
  // More than is wanted goes in, so that what is cut at the end is never missing.
  const moving = `crop=${width}:${height}:x='${pan('(in_w-out_w)')}':y='${pan('(in_h-out_h)')}',setsar=1,format=yuv420p`
  const inputs = [still(base, fps)]
  const steps = [`[0:v]${moving}[pan]`]
  let shown = 'pan'
  if (last !== undefined) {
    inputs.push(still(last, fps))
    const seconds = frames / fps
    const fade = `fade=t=in:st=${(seconds / 2).toFixed(3)}:d=${(seconds / 2 - 1 / fps).toFixed(3)}:alpha=1`
    steps.push(`[1:v]format=yuva420p,${fade}[last]`, `[${shown}][last]overlay=shortest=1,format=yuv420p[morph]`)
    shown = 'morph'
  }
  if (overlaps > 0) {
    const sequence = ['-f', 'image2', '-framerate', String(fps), '-i', scratch(studio, 'overlap-%02d.png')]
    inputs.push([...FILES_ONLY, ...sequence])
    steps.push(`[${inputs.length - 1}:v]setsar=1,format=yuv420p[head]`, `[head][${shown}]concat=n=2:v=1:a=0[whole]`)
    shown = 'whole'
  }
  // What was joined has no rate of its own, and minterpolate divides by it.
  const paced = outputFps === fps ? `fps=${fps}` : `fps=${fps},minterpolate=fps=${outputFps}:mi_mode=blend`
  const audio = inputOf(studio, 'referenceAudio')
  if (audio) inputs.push(asInput(audio))
  const seconds = frames / fps
  const outFrames = Math.round(seconds * outputFps)
  // The end of the frames is that of their own stream: `-frames` ends the sound too, wherever it is by then.
  steps.push(`[${shown}]${paced},trim=end_frame=${outFrames}[out]`)
  const sound = audio
    ? ['-map', `${inputs.length - 1}:a:0`, '-af', `aresample=48000,apad,atrim=end=${seconds.toFixed(6)}`, ...AUDIO]
    : ['-an']
  await run(studio, 'ffmpeg', [
    ...[...QUIET, ...inputs.flat(), '-filter_complex', steps.join(';'), '-map', '[out]', ...sound],
    ...['-vsync', '0', ...CODEC, ...END, outputPath(studio)],
  ])
}

export async function renderCombination(studio: Studio): Promise<void> {
  const clips = inputsOf(studio, 'videoUrls')
  const [width, height] = [numberAt(studio, 'width'), numberAt(studio, 'height')]
  const [fps, overlap] = [numberAt(studio, 'frameRate'), numberAt(studio, 'overlapFrames')]
  const looks = await Promise.all(clips.map((clip) => lookAt(studio, clip)))
  const fit = `scale=${width}:${height}:force_original_aspect_ratio=increase,crop=${width}:${height},setsar=1`
  const steps = clips.flatMap((_, index) => {
    const head = index === 0 ? 0 : overlap
    const { durationS, hasSound } = looks[index] ?? { durationS: 0, hasSound: false }
    const frames = Math.round(durationS * fps)
    const cut = `trim=start_frame=${head}:end_frame=${frames},setpts=PTS-STARTPTS`
    // Beyond the end the last picture stays, so that each clip has the frames that it was counted with.
    const video = `[${index}:v:0]fps=${fps},${fit},format=yuv420p,${cut}[v${index}]`
    const seconds = (frames - head) / fps
    const from = hasSound ? `[${index}:a:0]aresample=48000,` : `anullsrc=r=48000:cl=stereo,`
    const shape = 'aformat=sample_fmts=fltp:channel_layouts=stereo'
    const trim = hasSound ? `atrim=start=${(head / fps).toFixed(6)},asetpts=PTS-STARTPTS,apad,` : ''
    return [video, `${from}${shape},${trim}atrim=end=${seconds.toFixed(6)},asetpts=PTS-STARTPTS[a${index}]`]
  })
  const joined = clips.map((_, index) => `[v${index}][a${index}]`).join('')
  await run(studio, 'ffmpeg', [
    ...[...QUIET, ...clips.flatMap(asInput)],
    ...['-filter_complex', `${steps.join(';')};${joined}concat=n=${clips.length}:v=1:a=1[v][a]`],
    ...['-map', '[v]', '-map', '[a]', ...CODEC, ...AUDIO, '-r', String(fps), ...END, outputPath(studio)],
  ])
}

async function lookAt(studio: Studio, { path, mimeType }: InputFile) {
  const demuxer = mediaTypes[mimeType]?.demuxer ?? 'mov'
  const shown = ['-show_entries', 'format=duration:stream=codec_type', '-of', 'json']
  const told = JSON.parse(await run(studio, 'ffprobe', ['-v', 'error', ...FILES_ONLY, '-f', demuxer, ...shown, path]))
  const streams = (told.streams ?? []) as { codec_type: string }[]
  return {
    durationS: Number(told.format?.duration ?? 0),
    hasSound: streams.some(({ codec_type }) => codec_type === 'audio'),
  }
}

export async function renderResize(studio: Studio): Promise<void> {
  const source = inputOf(studio, 'sourceVideoUrl')
  if (!source) throw new Error('there is no clip to resize')
  const [width, height] = [numberAt(studio, 'width'), numberAt(studio, 'height')]
  const { hasSound } = await lookAt(studio, source)
  const sound = hasSound ? ['-map', '0:a:0', ...AUDIO] : ['-an']
  await run(studio, 'ffmpeg', [
    ...[...QUIET, ...asInput(source), '-map', '0:v:0', ...sound, '-vf', `scale=${width}:${height},setsar=1`],
    ...['-vsync', '0', ...CODEC, ...END, outputPath(studio)],
  ])
}
