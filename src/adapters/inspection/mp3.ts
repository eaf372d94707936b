/**
 * MP3: walks the frames (ISO/IEC 11172-3 and 13818-3, layer III), compares what the first one announces with what is there,
 * and copies the frames alone, so that tags, covers and whatever stands between or behind them stay away.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { readAt } from './file-bytes.ts'
import { truncated, unreadable } from './unusable.ts'

export interface Mp3 {
  durationSeconds: number
  /** Stretches of whole frames, one behind the other. */
  stretches: readonly { start: number; end: number }[]
  data: Buffer
}

/** Read as a whole; uploads of sound are smaller. */
const BYTES_MAX = 134_217_728
/** Tags in front of the sound. */
const TAGS_MAX = 16
/** Bytes without a frame that are skipped in search of the next one, each time. */
const GAP_MAX_BYTES = 65_536
const STRETCHES_MAX = 1_000

const BITRATES_1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
const BITRATES_2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
const RATES = [44_100, 48_000, 32_000]

interface Frame {
  bytes: number
  samples: number
  sampleRate: number
  /** From the header to the sound: where an announcement stands. */
  sideBytes: number
}

/** The frame whose header stands at `at`; undefined where there is none. */
function frameAt(data: Buffer, at: number): Frame | undefined {
  if (at + 4 > data.length) return undefined
  const header = data.readUInt32BE(at)
  const [version, layer] = [(header >>> 19) & 3, (header >>> 17) & 3]
  const [bitrateIndex, rateIndex] = [(header >>> 12) & 15, (header >>> 10) & 3]
  if (header >>> 21 !== 0x7ff || version === 1 || layer !== 1) return undefined
  if (bitrateIndex === 0 || bitrateIndex === 15 || rateIndex === 3) return undefined
  const isFirst = version === 3
  const sampleRate = RATES[rateIndex]! / (isFirst ? 1 : version === 2 ? 2 : 4)
  const bitrate = (isFirst ? BITRATES_1 : BITRATES_2)[bitrateIndex]! * 1_000
  const samples = isFirst ? 1_152 : 576
  const isMono = ((header >>> 6) & 3) === 3
  const sideBytes = 4 + (isFirst ? (isMono ? 17 : 32) : isMono ? 9 : 17)
  return {
    bytes: Math.floor((samples / 8) * (bitrate / sampleRate)) + ((header >>> 9) & 1),
    samples,
    sampleRate,
    sideBytes,
  }
}

/** Reads an MP3. Throws Unusable. */
export async function readMp3(file: FileHandle, sizeBytes: number): Promise<Mp3> {
  if (sizeBytes > BYTES_MAX)
    throw unreadable(`it has ${sizeBytes} bytes, and at most ${BYTES_MAX} of sound are looked at`)
  const data = await readAt(file, 0, sizeBytes)
  const first = nextFrame(data, behindTags(data))
  if (first === undefined) throw unreadable('it has no frame of sound in it')
  const announced = announcementIn(data, first)
  if (announced?.bytes && first + announced.bytes > data.length) {
    throw truncated(
      `it is cut: its first frame announces ${announced.bytes} bytes, and ${data.length - first} are there`,
    )
  }
  const { stretches, seconds, frames } = walk(data, first, announced !== undefined)
  if (announced?.frames && frames < announced.frames) {
    throw truncated(`it is cut: its first frame announces ${announced.frames} frames, and ${frames} are there`)
  }
  return { durationSeconds: seconds, stretches, data }
}

/** Where the tags in front end (ID3 version 2). */
function behindTags(data: Buffer): number {
  let at = 0
  for (
    let count = 0;
    count < TAGS_MAX && data.toString('latin1', at, at + 3) === 'ID3' && at + 10 <= data.length;
    count++
  ) {
    const size = [6, 7, 8, 9].reduce((sum, i) => (sum << 7) | (data[at + i]! & 0x7f), 0)
    const hasFooter = (data[at + 5]! & 0x10) !== 0
    at += 10 + size + (hasFooter ? 10 : 0)
  }
  return at
}

/** The next place with two frames behind each other, or with one that ends the file. */
function nextFrame(data: Buffer, from: number): number | undefined {
  for (let at = from; at < Math.min(data.length, from + GAP_MAX_BYTES); at++) {
    if (data[at] !== 0xff) continue
    const frame = frameAt(data, at)
    if (!frame) continue
    const end = at + frame.bytes
    if (frameAt(data, end) || end === data.length || isTag(data, end)) return at
  }
  return undefined
}

const isTag = (data: Buffer, at: number): boolean =>
  ['TAG', 'ID3', 'APE', 'LYR'].includes(data.toString('latin1', at, at + 3))

/** What an encoder wrote into the first frame instead of sound (Xing, Info, VBRI): bytes and frames from there on. */
function announcementIn(data: Buffer, at: number): { bytes: number; frames: number } | undefined {
  const frame = frameAt(data, at)!
  const place = at + frame.sideBytes
  const name = data.toString('latin1', place, place + 4)
  if ((name === 'Xing' || name === 'Info') && place + 16 <= data.length) {
    const flags = data.readUInt32BE(place + 4)
    const frames = flags & 1 ? data.readUInt32BE(place + 8) : 0
    const bytesAt = place + 8 + (flags & 1 ? 4 : 0)
    return { frames, bytes: flags & 2 ? data.readUInt32BE(bytesAt) : 0 }
  }
  const other = at + 36
  if (data.toString('latin1', other, other + 4) !== 'VBRI' || other + 18 > data.length) return undefined
  return { bytes: data.readUInt32BE(other + 10), frames: data.readUInt32BE(other + 14) }
}

/** Goes from frame to frame. `skipsFirst`: the first one holds no sound. */
function walk(data: Buffer, first: number, skipsFirst: boolean) {
  const stretches: { start: number; end: number }[] = []
  let [at, start, frames, seconds] = [first, first, 0, 0]
  for (;;) {
    const frame = frameAt(data, at)
    if (frame) {
      if (at + frame.bytes > data.length) {
        throw truncated(
          `it is cut: its last frame should end at byte ${at + frame.bytes}, and the file has ${data.length}`,
        )
      }
      if (!(skipsFirst && at === first)) {
        frames += 1
        seconds += frame.samples / frame.sampleRate
      }
      at += frame.bytes
      continue
    }
    stretches.push({ start, end: at })
    const next = isTag(data, at) ? undefined : nextFrame(data, at)
    if (next === undefined) return { stretches, seconds, frames }
    if (stretches.length === STRETCHES_MAX)
      throw unreadable(`its sound is interrupted more than ${STRETCHES_MAX} times`)
    ;[at, start] = [next, next]
  }
}

/** Writes the frames, and nothing else. */
export async function writeMp3Copy({ data, stretches }: Mp3, copyPath: string): Promise<void> {
  const copy = await open(copyPath, 'w')
  try {
    for (const { start, end } of stretches) await copy.writeFile(data.subarray(start, end))
  } finally {
    await copy.close()
  }
}
