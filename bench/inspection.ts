/**
 * `node bench/inspection.ts [--rounds N] [--seconds N]`: a full inspection of a picture of 12 MP against a bare rotation and
 * encoding of it by sharp, in turn; and the p99 of `GET /v1/jobs/{id}` while an inspector works beside the instance, against
 * that of an idle machine.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { createInspector } from '../src/adapters/inspection/inspector.ts'
import { call, startBenchInstance } from './instance.ts'
import { figuresOf, load } from './measure.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '10' }, seconds: { type: 'string', default: '5' } },
})
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
const WIDTH = 4_000
const HEIGHT = 3_000
const READERS = 4
/** As the inspector encodes. */
const QUALITY = 92

const directory = mkdtempSync(join(tmpdir(), 'opslog-bench-inspection-'))
const path = join(directory, 'picture')
// Grain over soft shapes, which is what a photograph costs a codec.
const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
const soft = await sharp({ create: { width: 500, height: 375, channels: 3, background: '#777', noise } })
  .png()
  .toBuffer()
writeFileSync(
  path,
  await sharp(soft).resize(WIDTH, HEIGHT).withMetadata({ orientation: 6 }).jpeg({ quality: 90 }).toBuffer(),
)

const inspector = createInspector({ directory })
const request = { path, declaredType: 'image/jpeg', acceptedTypes: ['image/jpeg'], copyPath: join(directory, 'copy') }
sharp.concurrency(1)
sharp.cache(false)
const bare = () =>
  sharp(path, { sequentialRead: true }).autoOrient().jpeg({ quality: QUALITY }).toFile(join(directory, 'bare'))

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}
const median = (sorted: readonly number[]): number =>
  sorted.toSorted((one, other) => one - other)[sorted.length >> 1] ?? 0

async function compareInspection(): Promise<void> {
  await inspector.inspect(request)
  await bare()
  const [full, reference]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    full.push(await timed(() => inspector.inspect(request)))
    reference.push(await timed(bare))
  }
  const ratio = median(full) / median(reference)
  process.stdout.write(
    `inspection of 12 MP: ${median(full).toFixed(0)} ms; bare rotation and encoding: ${median(reference).toFixed(0)} ms; ` +
      `${ratio.toFixed(2)} times (at most 2.0, wanted 1.5)\n`,
  )
}

async function compareReads(): Promise<void> {
  const instance = await startBenchInstance()
  try {
    const sandbox = JSON.parse(readFileSync(join(instance.directory, 'sandbox-firsthand.json'), 'utf8'))
    const posted = await fetch(`${sandbox.url}/v1/jobs`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${sandbox.live_key}`,
        'content-type': 'application/json',
        'idempotency-key': 'bench',
      },
      body: JSON.stringify({
        ...{ type: 'data_collection', description: 'Pictures for a benchmark', files_needed: 1 },
        ...{ accepted_formats: ['image/jpeg'], price_per_file_cents: 25 },
      }),
    })
    const { id } = (await posted.json()) as { id: string }
    const read = async () =>
      void (await call('GET', `${sandbox.url}/v1/jobs/${id}`, { apiKey: sandbox.live_key, expect: [200] }))
    await load(READERS, seconds, read)
    const idle = figuresOf([await load(READERS, seconds, read)])
    const over = new AbortController()
    const busy = (async () => {
      while (!over.signal.aborted) await inspector.inspect(request)
    })()
    const beside = figuresOf([await load(READERS, seconds, read)])
    over.abort()
    await busy
    const ratio = (beside.p99Ms ?? 0) / (idle.p99Ms ?? 1)
    process.stdout.write(
      `GET p99: ${idle.p99Ms?.toFixed(1)} ms idle, ${beside.p99Ms?.toFixed(1)} ms beside an inspector at work; ` +
        `${ratio.toFixed(2)} times (at most 2.0, wanted 1.3)\n`,
    )
  } finally {
    await instance.stop()
  }
}

try {
  await compareInspection()
  await compareReads()
} finally {
  await inspector.close()
  rmSync(directory, { recursive: true, force: true })
}
