/** Files to inspect, made of bytes: pictures that are drawn, sound that is computed, boxes and frames set by hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import {
  BufferTarget,
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  MovOutputFormat,
  Mp4OutputFormat,
  Output,
} from 'mediabunny'
import sharp, { type Sharp } from 'sharp'
import { headerOf } from '../../../src/adapters/inspection/wav.ts'

/** A folder for one test file. */
export function workFolder() {
  const path = mkdtempSync(join(tmpdir(), 'opslog-inspection-'))
  let count = 0
  return {
    path,
    /** Writes the bytes into a new file. */
    put(bytes: Uint8Array): string {
      const file = join(path, `file-${count++}`)
      writeFileSync(file, bytes)
      return file
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** Numbers from 0 to 1 that are the same each time. */
export function chance(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** What was drawn last, by seed and size: the same pictures are wanted again and again. */
const drawn = new Map<string, Buffer>()
const DRAWN_MAX = 4

/** A drawn picture: discs and bars on a slope of tones; each seed another one. */
export function picture(seed = 1, { width = 800, height = 600 } = {}): Sharp {
  const name = `${seed} ${width} ${height}`
  const pixels = drawn.get(name) ?? draw(seed, width, height)
  if (drawn.size >= DRAWN_MAX) drawn.clear()
  drawn.set(name, pixels)
  return sharp(pixels, { raw: { width, height, channels: 3 } })
}

function draw(seed: number, width: number, height: number): Buffer {
  const random = chance(seed * 2_654_435_761)
  const pixels = Buffer.alloc(width * height * 3)
  const shapes = Array.from({ length: 14 }, () => ({
    ...{ x: random() * width, y: random() * height, radius: (0.05 + random() * 0.2) * width },
    ...{ tone: [random() * 255, random() * 255, random() * 255], isBar: random() < 0.5 },
  }))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3
      const shape = shapes.findLast((of) =>
        of.isBar
          ? Math.abs(x - of.x) < of.radius / 4 && Math.abs(y - of.y) < of.radius * 1.5
          : (x - of.x) ** 2 + (y - of.y) ** 2 < of.radius ** 2,
      )
      for (let c = 0; c < 3; c++)
        pixels[at + c] = shape ? shape.tone[c]! : 60 + (130 * (x + y * (c + 1))) / (width + 3 * height)
    }
  }
  return pixels
}

/** A flat picture of any size, which packs to almost nothing. */
export const flat = (width: number, height: number, background = '#808080'): Sharp =>
  sharp({ create: { width, height, channels: 3, background }, limitInputPixels: false })

const chunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  crc.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, crc])
}

/** A black PNG of one bit to a pixel, with which a great many are made in no time. */
export function black(width: number, height: number): Buffer {
  const header = Buffer.from([...Array(8).fill(0), 1, 0, 0, 0, 0])
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  const rows = deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))), { level: 1 })
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))])
}

/** A PNG with further chunks behind its first one. */
export function withChunks(png: Buffer, chunks: readonly { type: string; data: Buffer }[]): Buffer {
  const behindHeader = 33
  const made = chunks.map(({ type, data }) => chunk(type, data))
  return Buffer.concat([png.subarray(0, behindHeader), ...made, png.subarray(behindHeader)])
}

/** A JPEG with a segment behind its first two bytes: 0xfe is a comment, 0xe1 has EXIF. */
export function withSegment(jpeg: Buffer, marker: number, data: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(data.length + 2, 2)
  return Buffer.concat([jpeg.subarray(0, 2), head, data, jpeg.subarray(2)])
}

/** A tone as a WAV. */
export function wav({
  seconds = 2,
  channels = 1,
  sampleRate = 8_000,
  bits = 16,
  level = 0.5,
  hertz = 440,
} = {}): Buffer {
  const frames = Math.round(seconds * sampleRate)
  const bytes = bits / 8
  const data = Buffer.alloc(frames * channels * bytes)
  for (let i = 0; i < frames * channels; i++) {
    const value = level * Math.sin((2 * Math.PI * hertz * Math.floor(i / channels)) / sampleRate)
    if (bits === 8) data[i] = Math.round(128 + value * 127)
    else data.writeIntLE(Math.round(value * (2 ** (bits - 1) - 1)), i * bytes, bytes)
  }
  const form = {
    channels,
    sampleRate,
    bitsPerSample: bits,
    isFloat: false,
    frameBytes: channels * bytes,
    dataBytes: data.length,
  }
  return Buffer.concat([headerOf(form), data])
}

/** Frames of silence: MPEG 1, layer III, 128 kbit/s, 44,100 Hz, mono; 417 bytes and 26 ms each. */
export function mp3({
  frames = 100,
  announces = undefined as { bytes: number; frames: number } | undefined,
} = {}): Buffer {
  const frame = Buffer.alloc(417)
  frame.set([0xff, 0xfb, 0x90, 0xc4])
  if (!announces) return Buffer.concat(Array(frames).fill(frame))
  const first = Buffer.from(frame)
  first.write('Xing', 21, 'latin1')
  first.writeUInt32BE(3, 25)
  first.writeUInt32BE(announces.frames, 29)
  first.writeUInt32BE(announces.bytes, 33)
  return Buffer.concat([first, ...Array(frames).fill(frame)])
}

/** A tag in front of an MP3 with this much in it. */
export function id3(bytes: number): Buffer {
  const tag = Buffer.alloc(10 + bytes)
  tag.write('ID3', 0, 'latin1')
  tag[3] = 4
  for (let i = 0; i < 4; i++) tag[6 + i] = (bytes >>> (7 * (3 - i))) & 0x7f
  return tag
}

export interface FilmOptions {
  container?: 'mp4' | 'mov'
  picture?: boolean
  sound?: boolean
  seconds?: number
  rotation?: 0 | 90 | 180 | 270
  indexInFront?: boolean
  tags?: Record<string, unknown>
}

const FRAMES_PER_SECOND = 10
/** AAC, low complexity, 44,100 Hz, stereo. */
const AAC = { codec: 'mp4a.40.2', numberOfChannels: 2, sampleRate: 44_100, description: new Uint8Array([0x12, 0x10]) }
const VP9 = { codec: 'vp09.00.10.08', codedWidth: 640, codedHeight: 360 }

/** A film whose packets are filler: nobody decodes them. */
export async function film(options: FilmOptions = {}): Promise<Buffer> {
  const {
    container = 'mp4',
    picture = true,
    sound = true,
    seconds = 2,
    rotation = 0,
    indexInFront = true,
    tags = {},
  } = options
  const fast = { fastStart: indexInFront ? 'in-memory' : false } as const
  const target = new BufferTarget()
  const output = new Output({
    format: container === 'mov' ? new MovOutputFormat(fast) : new Mp4OutputFormat(fast),
    target,
  })
  const video = new EncodedVideoPacketSource('vp9')
  const audio = new EncodedAudioPacketSource('aac')
  if (picture) output.addVideoTrack(video, { rotation })
  if (sound) output.addAudioTrack(audio)
  output.setMetadataTags(tags)
  await output.start()
  const random = chance(7)
  const filler = (bytes: number) => Uint8Array.from({ length: bytes }, () => random() * 256)
  for (let i = 0; i < seconds * FRAMES_PER_SECOND; i++) {
    const [time, length] = [i / FRAMES_PER_SECOND, 1 / FRAMES_PER_SECOND]
    const kind = i % FRAMES_PER_SECOND === 0 ? 'key' : 'delta'
    if (picture) await video.add(new EncodedPacket(filler(400), kind, time, length), { decoderConfig: VP9 })
    if (sound) await audio.add(new EncodedPacket(filler(200), 'key', time, length), { decoderConfig: AAC })
  }
  await output.finalize()
  return Buffer.from(target.buffer ?? new ArrayBuffer())
}

/** A box of an mp4 with this in it. */
export function box(type: string, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(body.length + 8)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, body])
}

/** Where the first box of this name stands, its header included; found by name, wherever it is. */
export function placeOf(data: Buffer, type: string): number {
  const at = data.indexOf(type, 0, 'latin1')
  if (at < 4) throw new Error(`there is no ${type}`)
  return at - 4
}
