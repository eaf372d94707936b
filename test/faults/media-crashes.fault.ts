/** Rows K10 and K11: kill -9 around a media job, in a whole instance: between hold and job, while it is worked on, and of a worker. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type MediaHouse, openMediaHouse } from './media-house.ts'

const DOLLAR = 1_000_000n
const wait = { timeout: 90_000, interval: 50 }
vi.setConfig({ testTimeout: 240_000 })
let house: MediaHouse

beforeAll(async () => {
  house = await openMediaHouse({ MEDIA_HOLD_GRACE_MS: '4000', MEDIA_WORKER_IDLE_MS: '60000' })
}, 240_000)
afterAll(() => house.close(), 120_000)

const sound = (idempotencyKey: string) => ({
  ...{ task: 'moss.sound.effect', input: { prompt: 'rain', durationSeconds: 1 }, idempotencyKey },
})
/** Some seconds of work. */
const clip = {
  task: 'video.generate',
  input: { prompt: 'waves', durationFrames: 257, width: 1_280, height: 704, interpolationFps: 60 },
}

const endOf = (key: string, jobId: string) =>
  vi.waitFor(async () => {
    const { body } = await house.ask('GET', `media/jobs?jobId=${jobId}`, key)
    if (body.status !== 'completed' && body.status !== 'failed') throw new Error(`it is ${body.status}`)
    return body
  }, wait)
const balanceOf = async (key: string) => (await house.ask('GET', 'balance', key)).body
const ledgerOf = async (accountId: string) =>
  (await house.eventsOf(`killatamata.ledger-${accountId}`))
    .map(({ name }) => name)
    .filter((name) => name.startsWith('Hold'))

/** Processes of the instance that work on media. */
function workersOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => {
    try {
      const isChild = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1] === String(parent)
      return isChild && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('adapters/media/worker.ts')
    } catch {
      // It has ended meanwhile.
      return false
    }
  })
}

describe('row K10: kill -9 between hold and job', () => {
  it('leaves a hold that the same request finds: one hold, one job', async () => {
    const { accountId, key } = await house.customer(DOLLAR)
    const about = 'killatamata.mediaJob-'
    await house.dies({ at: 'command.before-append', about }, () => house.ask('POST', 'media/jobs', key, sound('one')))
    await house.start({ MEDIA_HOLD_GRACE_MS: '600000' })
    expect(await ledgerOf(accountId)).toStrictEqual(['HoldPlaced'])
    const retried = await house.ask('POST', 'media/jobs', key, sound('one'))
    expect(retried).toMatchObject({ status: 201, body: { usdChargedMicros: 1_000, usdBalanceMicros: 999_000 } })
    expect(await endOf(key, retried.body.externalJobId)).toMatchObject({ status: 'completed' })
    expect(await ledgerOf(accountId)).toStrictEqual(['HoldPlaced', 'HoldCaptured'])
  })

  it('leaves a hold that the sweep gives back, and no late retry has a job without one', async () => {
    const { accountId, key } = await house.customer(DOLLAR)
    const about = 'killatamata.mediaJob-'
    await house.dies({ at: 'command.before-append', about }, () => house.ask('POST', 'media/jobs', key, sound('two')))
    await house.start()
    await vi.waitFor(async () => expect(await balanceOf(key)).toMatchObject({ usdBalanceMicros: 1_000_000 }), wait)
    const late = await house.ask('POST', 'media/jobs', key, sound('two'))
    expect(late).toMatchObject({ status: 409, body: { code: 'job_abandoned' } })
    expect(await ledgerOf(accountId)).toStrictEqual(['HoldPlaced', 'HoldReleased'])
  })
})

describe('row K11: kill -9 while a job is worked on', () => {
  it('of the whole role: the next attempt makes one set of files, and one capture', async () => {
    const { accountId, key } = await house.customer(10n * DOLLAR)
    const { body: asked } = await house.ask('POST', 'media/jobs', key, clip)
    await vi.waitFor(() => expect(workersOf(house.pid()).length).toBeGreaterThan(0), wait)
    await vi.waitFor(async () => {
      const { body } = await house.ask('GET', `media/jobs?jobId=${asked.externalJobId}`, key)
      expect(body.status).toBe('processing')
    }, wait)
    await house.end('SIGKILL')
    await house.start()
    const end = await endOf(key, asked.externalJobId)
    expect(end).toMatchObject({ status: 'completed', outputFiles: [{ width: 1_280, height: 704 }] })
    expect(end.outputFiles).toHaveLength(1)
    expect((await fetch(end.outputUrl)).status).toBe(200)
    expect(await ledgerOf(accountId)).toStrictEqual(['HoldPlaced', 'HoldCaptured'])
  })

  it('of the worker alone: the job goes on by itself', async () => {
    const { accountId, key } = await house.customer(10n * DOLLAR)
    const { body: asked } = await house.ask('POST', 'media/jobs', key, clip)
    const [pid = 0] = await vi.waitFor(() => {
      const found = workersOf(house.pid())
      expect(found.length).toBeGreaterThan(0)
      return found
    }, wait)
    process.kill(pid, 'SIGKILL')
    expect(await endOf(key, asked.externalJobId)).toMatchObject({ status: 'completed' })
    expect(await ledgerOf(accountId)).toStrictEqual(['HoldPlaced', 'HoldCaptured'])
    expect(await balanceOf(key)).toMatchObject({ usdHeldMicros: 0 })
  })
})
