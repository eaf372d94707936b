/** Files: an upload against a bare stream to the disk, and a page of files with its links against the page without them. */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { request } from 'undici'
import { createDiskStore } from '../../src/adapters/object-store/disk-store.ts'
import { loadConfig } from '../../src/config.ts'
import { OBJECTS_PATH } from '../../src/processes/firsthand/objects.ts'
import { prefixedId } from '../../src/runtime/ulid.ts'
import { ensureSealingKey } from '../../src/vault/secrets-key.ts'
import type { SuiteOptions } from '../commands.ts'
import { type BenchInstance, call, startBenchInstance, startProgram, stopProgram } from '../instance.ts'
import { compare, load, type Measurement, WARM_UP_S } from '../measure.ts'
import { jobRequest, postJob, processorTimes, sandboxOf } from './ground.ts'

const UPLOAD_BYTES = 20 * 1_048_576
const CONTENT_TYPE = 'image/png'
const LINK_MS = 60_000

/** One at a time; what is stored goes after each round. */
export async function uploads(instance: BenchInstance, { seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const key = ensureSealingKey(loadConfig({ DATA_DIR: instance.directory }))
  const directory = join(instance.directory, 'objects')
  const linkBase = () => instance.url + OBJECTS_PATH
  const objects = createDiskStore({ directory, keys: () => [key], linkBase, now: () => new Date() })
  const bareDirectory = join(instance.directory, 'bare')
  const { child, said } = await startProgram('./firsthand/upload-reference.ts', [bareDirectory], {}, /\n/)
  const body = randomBytes(UPLOAD_BYTES)
  const put = async (url: string, headers: Readonly<Record<string, string>>) => {
    const answer = await request(url, { method: 'PUT', headers, body })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`PUT answered ${answer.statusCode}: ${text}`)
  }
  const emptied = async <T>(path: string, round: Promise<T>): Promise<T> => {
    const measured = await round
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path)
    return measured
  }
  const ours = (length = seconds) => {
    const send = async () => {
      const upload = { key: `uploads/live/bench/${randomUUID()}`, contentType: CONTENT_TYPE, sizeBytes: UPLOAD_BYTES }
      const { url, headers } = objects.putLink({ ...upload, expiresAt: new Date(Date.now() + LINK_MS) })
      await put(url, headers)
    }
    return emptied(join(directory, 'uploads'), load(1, length, send))
  }
  const bare = (length = seconds) =>
    emptied(
      bareDirectory,
      load(1, length, () => put(said.trim(), { 'content-type': CONTENT_TYPE })),
    )
  try {
    await ours(WARM_UP_S)
    await bare(WARM_UP_S)
    const name = 'upload of 20 MiB against a bare stream'
    return [
      await compare(
        name,
        rounds,
        () => ours(),
        () => bare(),
        { floor: 0.6, goal: 0.85 },
      ),
    ]
  } finally {
    await stopProgram(child)
  }
}

const PAGE = 100
const READERS = 4

/** The same instance on another data directory, but for its links: those are a constant text. */
const startWithoutLinks = () => startBenchInstance({}, undefined, [`--import=${import.meta.dirname}/without-links.ts`])

export async function pageOfFiles(instance: BenchInstance, { seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const without = await startWithoutLinks()
  try {
    const pages: ((length: number) => () => ReturnType<typeof load>)[] = []
    for (const each of [instance, without]) {
      const { live_key: apiKey } = sandboxOf(each)
      const jobId = await jobWithFiles(each, apiKey)
      const url = `${each.url}/firsthand/v1/jobs/${jobId}/files?limit=${PAGE}`
      const { data } = JSON.parse(await call('GET', url, { apiKey, expect: [200] }))
      if (data.length !== PAGE) throw new Error(`the page has ${data.length} files`)
      const read = async () => void (await call('GET', url, { apiKey, expect: [200] }))
      pages.push((length) => () => load(READERS, length, read))
    }
    const [ours, theirs] = pages as [(typeof pages)[0], (typeof pages)[0]]
    await ours(WARM_UP_S)()
    await theirs(WARM_UP_S)()
    const name = `page of ${PAGE} files with links against one without, ${READERS} at once`
    const times = processorTimes(instance)
    const sides = [() => times.of(ours(seconds)), theirs(seconds)] as const
    return [await compare(name, rounds, ...sides, { floor: 0.6, goal: 0.85 }), ...times.rows('a page of files')]
  } finally {
    await without.stop()
  }
}

/** Its rows are written into the read model: what a page costs does not hang on how they came there. */
async function jobWithFiles(instance: BenchInstance, apiKey: string): Promise<string> {
  const jobId = await postJob(instance, apiKey, jobRequest(PAGE))
  const { organization_id: organizationId } = sandboxOf(instance)
  const client = new Client({ connectionString: instance.postgresUrl })
  await client.connect()
  try {
    const { rows } = await client.query(
      "SELECT table_schema FROM information_schema.tables WHERE table_name = 'firsthand_files'",
    )
    for (let n = 0; n < PAGE; n++) {
      const at = new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString()
      const fileId = prefixedId('file', at, `${n}`)
      const row = {
        ...{ file_id: fileId, job_id: jobId, organization_id: organizationId, environment: 'live' },
        ...{ submission_id: prefixedId('sub', at, `${n}`), worker_id: prefixedId('wkr', at, `${n}`) },
        ...{ original_filename: `picture-${n}.png`, object_key: `files/live/${organizationId}/${jobId}/${fileId}` },
        ...{ content_type: CONTENT_TYPE, size_bytes: 1_000 + n, sha256: 'a'.repeat(64), width: 400, height: 300 },
        ...{ duration_seconds: null, created_at: at, approved_at: at },
      }
      const names = Object.keys(row)
      const values = names.map((_, index) => `$${index + 1}`)
      const into = `INSERT INTO ${rows[0].table_schema}.firsthand_files (${names}) VALUES (${values})`
      await client.query(into, Object.values(row))
    }
  } finally {
    await client.end()
  }
  return jobId
}
