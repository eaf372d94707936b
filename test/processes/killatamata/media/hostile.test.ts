/** Files that are made to do harm: none is taken, none takes much memory, and no other file is read by way of it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { prober, startStudio } from './studio.ts'

const WAIT_MS = 120_000
const MIB = 1_048_576
const studio = startStudio()
afterAll(() => studio.close())

const looked = (name: string, bytes: Uint8Array, wanted: 'image' | 'audio' | 'video') => {
  const path = join(studio.directory, name)
  writeFileSync(path, bytes)
  return studio.workers.probe({ path, wanted, prober: prober() })
}

/** A PNG whose header says so; the pixels follow from one compressed line. */
function largePicture(side: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(data.length)
    head.write(type, 4, 'latin1')
    const sum = Buffer.alloc(4)
    sum.writeUInt32BE(crcOf(Buffer.concat([head.subarray(4), data])))
    return Buffer.concat([head, data, sum])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  header.set([8, 0, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  const data = chunk('IDAT', deflateSync(Buffer.alloc(1_000_000)))
  return Buffer.concat([signature, chunk('IHDR', header), data, chunk('IEND', Buffer.alloc(0))])
}

function crcOf(data: Buffer): number {
  let crc = 0xffff_ffff
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1
  }
  return (crc ^ 0xffff_ffff) >>> 0
}

/** The clip with another count in its table of sample sizes. */
function withFrames(clip: Buffer, count: number): Buffer {
  const bytes = Buffer.from(clip)
  const at = bytes.indexOf('stsz', 0, 'latin1')
  bytes.writeUInt32BE(count, at + 12)
  return bytes
}

/** The most that the workers have held so far, in bytes. */
const heldMost = (): number =>
  Math.max(
    ...studio.workers.pids().map((pid) => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      return Number(status.match(/^VmHWM:\s+(\d+) kB/m)?.[1] ?? 0) * 1_024
    }),
  )

describe('row K17: a file that is made to do harm', () => {
  it(
    'as a picture of 100,000 × 100,000 pixels is refused by its header',
    async () => {
      const asked = looked('huge.png', largePicture(100_000), 'image')
      await expect(asked).rejects.toMatchObject({ name: 'NotTaken', message: expect.stringContaining('pixels') })
      expect(heldMost()).toBeLessThan(400 * MIB)
    },
    WAIT_MS,
  )

  it(
    'as a clip of 10^9 frames in its header is refused within the limits',
    async () => {
      const { file } = await studio.make('video.generate', { prompt: 'x', width: 64, height: 64, durationFrames: 9 })
      const clip = readFileSync(file.path)
      expect((await looked('good.mp4', clip, 'video')).measures.frames).toBe(18)
      const asked = looked('many.mp4', withFrames(clip, 1_000_000_000), 'video')
      await expect(asked).rejects.toMatchObject({ name: 'NotTaken' })
      expect(heldMost()).toBeLessThan(400 * MIB)
    },
    WAIT_MS,
  )

  it(
    'as a playlist, a script or a drawing that names other files is no medium',
    async () => {
      const secret = 'file:///etc/passwd'
      const texts = [
        `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${secret}\n#EXT-X-ENDLIST\n`,
        `ffconcat version 1.0\nfile '${secret}'\n`,
        `<svg xmlns="http://www.w3.org/2000/svg"><image href="${secret}"/></svg>`,
        `<html><video src="${secret}"></html>`,
      ]
      for (const [index, text] of texts.entries()) {
        for (const wanted of ['image', 'audio', 'video'] as const) {
          await expect(looked(`text-${index}`, Buffer.from(text), wanted)).rejects.toMatchObject({ name: 'NotTaken' })
        }
      }
      // With the first bytes of an Ogg before it: it is read as what it begins like, and as nothing else.
      const disguised = Buffer.concat([Buffer.from('OggS\0\x02'), Buffer.from(texts[0] ?? '')])
      await expect(looked('disguised.ogg', disguised, 'audio')).rejects.toMatchObject({ name: 'NotTaken' })
    },
    WAIT_MS,
  )
})
