/**
 * WAV: its two parts that matter, `fmt ` and `data`; the greatest sample; and a copy of these two alone. Uncompressed
 * sound only: whole numbers of 8 to 32 bits, and floating point.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { BLOCK_BYTES, readAt } from './file-bytes.ts'
import { truncated, unreadable } from './unusable.ts'

export interface Wav {
  channels: number
  sampleRate: number
  bitsPerSample: number
  isFloat: boolean
  /** Bytes of one sample of all channels. */
  frameBytes: number
  /** Place and length of the sound, whole frames only. */
  dataOffset: number
  dataBytes: number
  durationSeconds: number
}

/** More are no recording; each takes a look. */
const CHUNKS_MAX = 10_000
const PCM = 1
const FLOAT = 3
const EXTENSIBLE = 0xfffe
/** Written where the length was not known yet: the sound goes on to the end of the file. */
const UNKNOWN_BYTES = 0xffff_ffff
const FORMAT_BYTES = 16
const EXTENSIBLE_BYTES = 40
const CHANNELS_MAX = 64
const HEADER_BYTES = 44

/** Reads the parts of a WAV. Throws Unusable. */
export async function readWav(file: FileHandle, sizeBytes: number): Promise<Wav> {
  let format: ReturnType<typeof formatOf> | undefined
  let offset = 12
  for (let count = 0; offset + 8 <= sizeBytes; count++) {
    if (count === CHUNKS_MAX) throw unreadable(`it has more than ${CHUNKS_MAX} parts`)
    const header = await readAt(file, offset, 8)
    const [name, length] = [header.toString('latin1', 0, 4), header.readUInt32LE(4)]
    const start = offset + 8
    if (name === 'fmt ')
      format = formatOf(await readAt(file, start, Math.min(length, EXTENSIBLE_BYTES, sizeBytes - start)))
    if (name === 'data') {
      if (!format) throw unreadable('its sound stands before the description of its format')
      return withData(format, start, length, sizeBytes)
    }
    offset = start + length + (length % 2)
  }
  if (format && offset > sizeBytes) throw truncated(`it is cut before its sound, at byte ${sizeBytes}`)
  throw unreadable('it has no sound in it')
}

function withData(
  format: ReturnType<typeof formatOf>,
  dataOffset: number,
  declaredBytes: number,
  sizeBytes: number,
): Wav {
  const room = sizeBytes - dataOffset
  if (declaredBytes !== UNKNOWN_BYTES && declaredBytes > room) {
    throw truncated(`it is cut: its header announces ${declaredBytes} bytes of sound, and ${room} are there`)
  }
  const available = Math.min(declaredBytes, room)
  const dataBytes = available - (available % format.frameBytes)
  return { ...format, dataOffset, dataBytes, durationSeconds: dataBytes / format.frameBytes / format.sampleRate }
}

function formatOf(data: Buffer) {
  if (data.length < FORMAT_BYTES) throw truncated('it is cut in the description of its format')
  const named = data.readUInt16LE(0)
  const code = named === EXTENSIBLE && data.length >= 26 ? data.readUInt16LE(24) : named
  const [channels, sampleRate, bitsPerSample] = [data.readUInt16LE(2), data.readUInt32LE(4), data.readUInt16LE(14)]
  const isFloat = code === FLOAT
  if (code !== PCM && !isFloat) throw unreadable(`its sound is encoded in a way (${code}) that cannot be checked`)
  if (channels === 0 || channels > CHANNELS_MAX) throw unreadable(`it declares ${channels} channels`)
  if (sampleRate === 0) throw unreadable('it declares 0 samples a second')
  if (!(isFloat ? [32, 64] : [8, 16, 24, 32]).includes(bitsPerSample)) {
    throw unreadable(`it declares samples of ${bitsPerSample} bits`)
  }
  return { channels, sampleRate, bitsPerSample, isFloat, frameBytes: (channels * bitsPerSample) / 8 }
}

/** Calls `each` with the sound, block by block; a block holds whole samples. */
async function readSound(file: FileHandle, wav: Wav, each: (block: Buffer) => void | Promise<void>): Promise<void> {
  const blockBytes = BLOCK_BYTES - (BLOCK_BYTES % wav.frameBytes)
  const end = wav.dataOffset + wav.dataBytes
  for (let offset = wav.dataOffset; offset < end; offset += blockBytes) {
    await each(await readAt(file, offset, Math.min(blockBytes, end - offset)))
  }
}

/** The greatest sample, 0 to 1. */
export async function peakOf(file: FileHandle, wav: Wav): Promise<number> {
  const { bytes, read } = sampleReader(wav)
  let peak = 0
  await readSound(file, wav, (block) => {
    for (let at = 0; at + bytes <= block.length; at += bytes) {
      const value = Math.abs(read(block, at))
      if (value > peak) peak = value
    }
  })
  return Math.min(1, peak)
}

function sampleReader({ bitsPerSample, isFloat }: Wav): { bytes: number; read: (block: Buffer, at: number) => number } {
  const bytes = bitsPerSample / 8
  if (isFloat) return { bytes, read: (block, at) => (bytes === 4 ? block.readFloatLE(at) : block.readDoubleLE(at)) }
  // Eight bits stand without a sign.
  if (bytes === 1) return { bytes, read: (block, at) => (block[at]! - 128) / 128 }
  const full = 2 ** (bitsPerSample - 1)
  return { bytes, read: (block, at) => block.readIntLE(at, bytes) / full }
}

/** Writes the sound behind a header of 44 bytes, and nothing else. */
export async function writeWavCopy(file: FileHandle, wav: Wav, copyPath: string): Promise<void> {
  const copy = await open(copyPath, 'w')
  try {
    await copy.writeFile(headerOf(wav))
    await readSound(file, wav, (block) => copy.writeFile(block))
  } finally {
    await copy.close()
  }
}

/** Header of a WAV with this much sound. */
export function headerOf({
  channels,
  sampleRate,
  bitsPerSample,
  isFloat,
  frameBytes,
  dataBytes,
}: Omit<Wav, 'dataOffset' | 'durationSeconds'>): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(FORMAT_BYTES, 16)
  header.writeUInt16LE(isFloat ? FLOAT : PCM, 20)
  header.writeUInt16LE(channels, 22)
  header.writeUInt32LE(sampleRate, 24)
  header.writeUInt32LE(sampleRate * frameBytes, 28)
  header.writeUInt16LE(frameBytes, 32)
  header.writeUInt16LE(bitsPerSample, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(dataBytes, 40)
  return header
}
