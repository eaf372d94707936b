/**
 * What a file is, by its bytes: its type, its size in pixels, its length. Pictures are decoded once within a bound of pixels; clips and
 * sounds are counted packet by packet, and nothing that a header says is believed alone. Runs in a worker.
 */
import { stat } from 'node:fs/promises'
import { fileTypeFromFile } from 'file-type'
import sharp from 'sharp'
import { type MediaKind, mediaTypes, shownType } from './media-types.ts'
import type { FileMeasures } from './order.ts'
import { runTool, ToolFailed, type ToolLimits, type Tools } from './tools.ts'

export interface ProbeLimits {
  imageBytes: number
  imagePixels: number
  audioBytes: number
  videoBytes: number
  /** Of sounds and clips. */
  durationMs: number
  /** Of a clip, both sides multiplied, and in all. */
  videoPixels: number
  videoFrames: number
}

export interface Probed {
  mimeType: string
  measures: FileMeasures
}

/** The file is not what is taken; the message may be shown. */
export class NotTaken extends Error {
  override name = 'NotTaken'
}

interface Stream {
  codec_type?: string
  width?: number
  height?: number
  nb_read_packets?: string
  duration?: string
}

export interface Prober {
  tools: Tools
  limits: ProbeLimits
  tool: ToolLimits
}

/** Throws NotTaken. */
export async function probe(path: string, wanted: MediaKind, prober: Prober): Promise<Probed> {
  const { limits } = prober
  const found = await fileTypeFromFile(path).catch(ifUnreadable)
  const known = mediaTypes[found?.mime.split(';')[0]?.trim() ?? '']
  if (!found || !known) throw new NotTaken(`It is no ${wanted} of a type that is taken.`)
  // A film may be heard, and an mp4 may have nothing but sound.
  const isFit = known.kind === wanted || (wanted === 'audio' && known.kind === 'video')
  if (!isFit) throw new NotTaken(`It is of the type ${shownType(found.mime)}, and ${article(wanted)} is wanted.`)
  const { size } = await stat(path)
  const bytesMax = { image: limits.imageBytes, audio: limits.audioBytes, video: limits.videoBytes }[wanted]
  if (size > bytesMax) throw new NotTaken(`It has ${size} bytes, and at most ${bytesMax} are taken.`)
  const mimeType = shownType(found.mime)
  if (wanted === 'image') return { mimeType, measures: await probeImage(path, limits) }
  return { mimeType, measures: await probeStreams(path, known.demuxer ?? '', wanted, prober) }
}

const article = (kind: MediaKind) => (kind === 'video' ? 'a video' : `an ${kind}`)

function ifUnreadable(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') throw error
  return undefined
}

async function probeImage(path: string, { imagePixels }: ProbeLimits): Promise<FileMeasures> {
  try {
    const image = sharp(path, { limitInputPixels: imagePixels, failOn: 'error', sequentialRead: true })
    // To the last line, in little memory: what is cut or broken shows.
    await image.clone().resize(8, 8, { fit: 'fill' }).raw().toBuffer()
    const { width, height, orientation = 1 } = await image.metadata()
    return orientation >= 5 ? { width: height, height: width } : { width, height }
  } catch (cause) {
    if (cause instanceof Error && /pixel limit/i.test(cause.message)) {
      throw new NotTaken(`The picture has more than ${imagePixels} pixels.`, { cause })
    }
    throw new NotTaken('The picture cannot be decoded.', { cause })
  }
}

/** Opens files and pipes, nothing else. */
export const FILES_ONLY = ['-protocol_whitelist', 'file,pipe']

async function probeStreams(
  path: string,
  demuxer: string,
  wanted: 'audio' | 'video',
  { tools, limits, tool }: Prober,
): Promise<FileMeasures> {
  const shown = 'format=duration:stream=codec_type,width,height,nb_read_packets,duration'
  const args = [
    '-v',
    'error',
    ...FILES_ONLY,
    '-f',
    demuxer,
    '-count_packets',
    '-show_entries',
    shown,
    '-of',
    'json',
    path,
  ]
  let told: { streams?: Stream[]; format?: { duration?: string } }
  try {
    told = JSON.parse(await runTool(tools, 'ffprobe', args, { cwd: '/', limits: tool }))
  } catch (cause) {
    if (!(cause instanceof ToolFailed || cause instanceof SyntaxError)) throw cause
    throw new NotTaken(`The ${wanted} cannot be read.`, { cause })
  }
  const stream = told.streams?.find(({ codec_type }) => codec_type === wanted)
  if (!stream) throw new NotTaken(`There is no ${wanted} in it.`)
  const packets = Number(stream.nb_read_packets ?? 0)
  const durationMs = Math.round(Number(told.format?.duration ?? stream.duration ?? 0) * 1_000)
  if (!(packets > 0) || !(durationMs > 0)) throw new NotTaken(`The ${wanted} has no length.`)
  if (durationMs > limits.durationMs) {
    throw new NotTaken(`It lasts ${durationMs} ms, and at most ${limits.durationMs} ms are taken.`)
  }
  if (wanted === 'audio') return { durationMs }
  const { width = 0, height = 0 } = stream
  if (width < 2 || height < 2 || width * height > limits.videoPixels || packets > limits.videoFrames) {
    throw new NotTaken(`A clip of ${width} × ${height} pixels and ${packets} frames is not taken.`)
  }
  return { width, height, durationMs, frames: packets }
}
