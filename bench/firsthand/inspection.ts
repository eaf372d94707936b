/** A full inspection against sharp's own part of it, and what reads suffer while an inspector works beside them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { createInspector } from '../../src/adapters/inspection/inspector.ts'
import type { SuiteOptions } from '../commands.ts'
import { type BenchInstance, call } from '../instance.ts'
import { compare, figuresOf, load, type Measurement, type Round } from '../measure.ts'
import { jobRequest, postJob, sandboxOf } from './ground.ts'

const WIDTH = 4_000
const HEIGHT = 3_000
const READERS = 4
/** As the inspector encodes. */
const QUALITY = 92

/** Writes a picture of 12 MP: grain over soft shapes, which is what a photograph costs a codec. */
async function drawPhotograph(path: string): Promise<void> {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
  const soft = await sharp({ create: { width: 500, height: 375, channels: 3, background: '#777', noise } })
    .png()
    .toBuffer()
  const large = sharp(soft).resize(WIDTH, HEIGHT).withMetadata({ orientation: 6 }).jpeg({ quality: 90 })
  writeFileSync(path, await large.toBuffer())
}

export async function inspections(instance: BenchInstance, options: SuiteOptions): Promise<Measurement[]> {
  const directory = mkdtempSync(join(tmpdir(), 'opslog-bench-inspection-'))
  const path = join(directory, 'picture')
  const inspector = createInspector({ directory })
  try {
    await drawPhotograph(path)
    const types = { declaredType: 'image/jpeg', acceptedTypes: ['image/jpeg'] }
    const request = { path, ...types, copyPath: join(directory, 'copy') }
    const inspect = async () => void (await inspector.inspect(request))
    return [await againstSharp(inspect, path, options), await besideReads(instance, inspect, options)]
  } finally {
    await inspector.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

type Work = () => Promise<void>

async function againstSharp(inspect: Work, path: string, { seconds, rounds }: SuiteOptions): Promise<Measurement> {
  sharp.concurrency(1)
  sharp.cache(false)
  const bare: Work = async () =>
    void (await sharp(path, { sequentialRead: true }).autoOrient().jpeg({ quality: QUALITY }).toFile(`${path}-bare`))
  await inspect()
  await bare()
  const sides = [() => load(1, seconds, inspect), () => load(1, seconds, bare)] as const
  return compare('inspection of 12 MP against sharp’s rotation and encoding', rounds, ...sides, {
    floor: 1 / 2,
    goal: 1 / 1.5,
  })
}

/** The ratio is that of the p99s: quiet over busy. */
async function besideReads(
  instance: BenchInstance,
  inspect: Work,
  { seconds, rounds }: SuiteOptions,
): Promise<Measurement> {
  const { live_key: apiKey } = sandboxOf(instance)
  const jobId = await postJob(instance, apiKey, jobRequest())
  const url = `${instance.url}/firsthand/v1/jobs/${jobId}`
  const read = () => load(READERS, seconds, async () => void (await call('GET', url, { apiKey, expect: [200] })))
  await read()
  const measured: { busy: Round[]; quiet: Round[] } = { busy: [], quiet: [] }
  for (let round = 0; round < rounds; round++) {
    measured.quiet.push(await read())
    measured.busy.push(await whileWorking(inspect, read))
  }
  const [ours, reference] = [figuresOf(measured.busy), figuresOf(measured.quiet)]
  const ratio = (reference.p99Ms ?? 0) / (ours.p99Ms ?? 1)
  return { name: 'GET p99 beside an inspector at work', ours, reference, ratio, floor: 1 / 2, goal: 1 / 1.3 }
}

async function whileWorking<T>(work: Work, meanwhile: () => Promise<T>): Promise<T> {
  let isOver = false
  const working = (async () => {
    while (!isOver) await work()
  })()
  try {
    return await meanwhile()
  } finally {
    isOver = true
    await working
  }
}
