/**
 * The firsthand suite: an upload of 20 MiB to an instance's own object store against a bare stream to a file that is flushed
 * to the disk. Each of these functions is one measurement; another one is another function in the list below.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import { createDiskStore } from '../src/adapters/object-store/disk-store.ts'
import { loadConfig } from '../src/config.ts'
import { OBJECTS_PATH } from '../src/processes/firsthand/objects.ts'
import { ensureSealingKey } from '../src/vault/secrets-key.ts'
import type { SuiteOptions } from './commands.ts'
import { type BenchInstance, startBenchInstance, startProgram, stopProgram } from './instance.ts'
import { compare, load, type Measurement, WARM_UP_S } from './measure.ts'

const UPLOAD_BYTES = 20 * 1_048_576
const CONTENT_TYPE = 'image/png'
const LINK_MS = 60_000

const measurements = [uploads]

export async function runFirsthandBench(options: SuiteOptions): Promise<Measurement[]> {
  const instance = await startBenchInstance()
  try {
    const all: Measurement[] = []
    for (const measure of measurements) all.push(await measure(instance, options))
    return all
  } finally {
    await instance.stop()
  }
}

/** One at a time; what is stored goes after each round. */
async function uploads(instance: BenchInstance, { seconds, rounds }: SuiteOptions): Promise<Measurement> {
  const key = ensureSealingKey(loadConfig({ DATA_DIR: instance.directory }))
  const directory = join(instance.directory, 'objects')
  const linkBase = () => instance.url + OBJECTS_PATH
  const objects = createDiskStore({ directory, keys: () => [key], linkBase, now: () => new Date() })
  const { child, said } = await startProgram('./upload-reference.ts', [instance.directory], {}, /\n/)
  const body = randomBytes(UPLOAD_BYTES)
  const put = async (url: string, headers: Readonly<Record<string, string>>) => {
    const answer = await request(url, { method: 'PUT', headers, body })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`PUT answered ${answer.statusCode}: ${text}`)
  }
  const ours = async (length = seconds) => {
    const round = await load(1, length, async () => {
      const upload = { key: `uploads/live/bench/${randomUUID()}`, contentType: CONTENT_TYPE, sizeBytes: UPLOAD_BYTES }
      const { url, headers } = objects.putLink({ ...upload, expiresAt: new Date(Date.now() + LINK_MS) })
      await put(url, headers)
    })
    rmSync(join(directory, 'uploads'), { recursive: true, force: true })
    return round
  }
  const bare = (length = seconds) => load(1, length, () => put(said.trim(), { 'content-type': CONTENT_TYPE }))
  try {
    await ours(WARM_UP_S)
    await bare(WARM_UP_S)
    const name = 'upload of 20 MiB against a bare stream'
    return await compare(
      name,
      rounds,
      () => ours(),
      () => bare(),
      { floor: 0.6, goal: 0.85 },
    )
  } finally {
    await stopProgram(child)
  }
}
