/** Files that sandbox workers submit: pictures drawn anew, sound computed, and four small clips of our own making. */
import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Inspector } from '../../adapters/inspection/inspection.ts'
import { headerOf } from '../../adapters/inspection/wav.ts'
import type { JobFacts } from '../../events/firsthand/job.ts'

type Format = JobFacts['acceptedFormats'][number]

const CLIPS = {
  'video/mp4': 'clip.mp4',
  'video/quicktime': 'clip.mov',
  'audio/mp4': 'clip.m4a',
  'audio/mpeg': 'clip.mp3',
} as const

const SAMPLE_RATE = 8_000
const SECONDS = 2
const LEVEL = 0.4
const SEED_MAX = 2 ** 32

/** A file of this format. `folder` is one that the inspector may write in. */
export async function makeSandboxFile(inspector: Inspector, type: Format, folder: string): Promise<Buffer> {
  const seed = randomInt(1, SEED_MAX)
  if (type === 'audio/wav') return toneOf(200 + (seed % 600))
  if (type === 'image/png' || type === 'image/jpeg' || type === 'image/webp') {
    const path = join(folder, `drawing-${seed}`)
    await inspector.draw({ seed, type, path })
    return readFile(path)
  }
  return readFile(join(import.meta.dirname, 'clips', CLIPS[type]))
}

function toneOf(hertz: number): Buffer {
  const data = Buffer.alloc(SECONDS * SAMPLE_RATE * 2)
  for (let i = 0; i < SECONDS * SAMPLE_RATE; i++) {
    data.writeInt16LE(Math.round(LEVEL * 32_767 * Math.sin((2 * Math.PI * hertz * i) / SAMPLE_RATE)), i * 2)
  }
  const form = { channels: 1, sampleRate: SAMPLE_RATE, bitsPerSample: 16, isFloat: false, frameBytes: 2 }
  return Buffer.concat([headerOf({ ...form, dataBytes: data.length }), data])
}
