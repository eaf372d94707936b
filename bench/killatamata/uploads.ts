/** Bundles of the arcade: looking at one against plain decompression of it, and the memory of an API that takes in eight at once. */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openPromise } from 'yauzl'
import { checkFiles } from '../../src/processes/killatamata/arcade/bundle.ts'
import { arcadeSettings } from '../../src/processes/killatamata/arcade/settings.ts'
import { PCK, text, WASM, zipOf } from '../../test/support/zips.ts'
import type { SuiteOptions } from '../commands.ts'
import { type BenchInstance, call } from '../instance.ts'
import { compare, figuresOf, load, type Measurement, within } from '../measure.ts'
import { apiOf, type Google, newCustomer } from './ground.ts'

const MIB = 1_048_576
const UPLOADS = 8
const SAMPLE_INTERVAL_MS = 20
const IDLE_MS = 3_000
/** Uploads take a while: each of them is checked whole. */
const MEMORY_ROUNDS_MAX = 2
/** Of a bundle of 64 MiB: what its parts and its directory take. */
const FRAME_BYTES = 65_536
const FILES = 8
/** Text of random bytes in hex takes a little more than half of its size when packed. */
const PACKED_SHARE = 0.575

/** A game of nearly 64 MiB as an archive, of more than 100 MiB when it is unpacked. */
function largeBundle(): Buffer {
  const sizeBytes = Math.floor((64 * MIB - FRAME_BYTES) / FILES / PACKED_SHARE)
  const large = (n: number) => ({
    name: `data/${n}.pck`,
    data: Buffer.from(randomBytes(Math.floor(sizeBytes / 2)).toString('hex')),
  })
  const bundle = zipOf([
    { name: 'index.html', data: text('<!doctype html><script src="index.js"></script>') },
    { name: 'index.js', data: text('document.title = "played"') },
    { name: 'index.wasm', data: WASM },
    { name: 'index.pck', data: PCK },
    ...Array.from({ length: FILES }, (_, n) => large(n)),
  ])
  if (bundle.byteLength > 64 * MIB) throw new Error(`the bundle has ${bundle.byteLength} bytes`)
  return bundle
}

/** Packed once for all parts. */
let packed: Buffer | undefined

async function inFolder<T>(work: (path: string) => Promise<T>): Promise<T> {
  packed ??= largeBundle()
  const directory = mkdtempSync(join(tmpdir(), 'opslog-bench-bundle-'))
  const path = join(directory, 'bundle.zip')
  try {
    writeFileSync(path, packed)
    return await work(path)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Every file is decompressed, and nothing is looked at. */
async function plainInflate(path: string): Promise<void> {
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false })
  try {
    for await (const entry of zip.eachEntry()) {
      const stream = await zip.openReadStreamPromise(entry)
      stream.resume()
      await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject))
    }
  } finally {
    zip.close()
  }
}

/** One at a time. */
export const bundleChecks = ({ seconds, rounds }: SuiteOptions): Promise<Measurement[]> =>
  inFolder(async (path) => {
    const limits = arcadeSettings.parse({})
    const ours = (length = seconds) =>
      load(1, length, async () => void (await checkFiles(path, { entrypoint: 'index.html' }, limits)))
    const plain = (length = seconds) => load(1, length, () => plainInflate(path))
    // A bundle is work for a second: once compiles all of it.
    await ours(0.001)
    await plain(0.001)
    const bounds = { floor: 1 / 1.5, goal: 1 / 1.2, moonshot: 1 / 1.05 }
    return [await compare('check of a bundle of 64 MiB against plain inflate', rounds, ours, plain, bounds)]
  })

/** What the API holds while bundles come in, more than when it is idle. */
export const memoryOfUploads = (instance: BenchInstance, { rounds }: SuiteOptions, google: Google) =>
  inFolder(async (path) => {
    const { apiKey } = await newCustomer(instance, google)
    const api = `${apiOf(instance)}/arcade`
    const blob = await openAsBlob(path)
    const facts = { title: 'Bench', shortDescription: 'Bench.', description: 'Bench.' }
    const body = { slug: `bench-${randomUUID().slice(0, 8)}`, ...facts }
    const { game } = JSON.parse(await call('POST', `${api}/games`, { apiKey, body, expect: [201] }))

    async function upload(version: string): Promise<void> {
      const form = new FormData()
      form.append('gameId', game.gameId)
      const manifest = { version, engine: 'godot', engineVersion: '4.4', entrypoint: 'index.html' }
      form.append('manifestJson', JSON.stringify(manifest))
      form.append('bundle', blob, 'bundle.zip')
      const headers = { authorization: `Bearer ${apiKey}` }
      const answer = await fetch(`${api}/releases/upload`, { method: 'POST', body: form, headers })
      const said = await answer.text()
      if (answer.status !== 201) throw new Error(`an upload is answered with ${answer.status}: ${said}`)
    }

    await upload('0.0.1')
    await delay(IDLE_MS)
    const grownMiB: number[] = []
    for (let round = 1; round <= Math.min(rounds, MEMORY_ROUNDS_MAX); round++) {
      const idleMiB = instance.residentMiB()
      let mostMiB = idleMiB
      const timer = setInterval(() => {
        mostMiB = Math.max(mostMiB, instance.residentMiB())
      }, SAMPLE_INTERVAL_MS)
      const versions = Array.from({ length: UPLOADS }, (_, n) => `${round}.0.${n}`)
      await Promise.all(versions.map(upload)).finally(() => clearInterval(timer))
      grownMiB.push(mostMiB - idleMiB)
      await delay(IDLE_MS)
    }
    const ours = figuresOf(grownMiB.map((perSecond) => ({ perSecond, latenciesMs: [] })))
    const bounds = { measured: ours.median, atMost: 96, wanted: 48, best: 24 }
    return [within('MiB more while 8 uploads of 64 MiB run', ours, bounds)]
  })
