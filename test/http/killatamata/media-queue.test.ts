/**
 * Jobs that the queue of a provider elsewhere does (K13), here the sandbox's stand-in for one: whatever is lost, told twice, told late or
 * made up, work is paid for once, and so is the job.
 */
import sharp from 'sharp'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openMedia } from '../../../src/processes/killatamata/media/opening.ts'
import type { Media } from '../../../src/processes/killatamata/media/parts.ts'
import { runMedia } from '../../../src/processes/killatamata/media/runner.ts'
import { newProcessHealth } from '../../../src/processes/process.ts'
import { eventually } from '../../projections/support.ts'
import { eventsOf } from '../../support/event-store.ts'
import { bytesAt, endOf, picture, WAIT_MS } from './media-jobs.ts'
import { type ServedKillatamata, startKillatamata } from './serving.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })
const MODELS = { 'image.generate': 'house/image.generate', 'image.edit': 'house/image.edit/fast' }
const PRICE = 20_000
/** A runner that stops lets its work go on for five seconds. */
const BEYOND_DRAIN_MS = 9_000
const CREDIT = 1_000_000
const PROMPT = { task: 'image.generate', input: { prompt: 'a lighthouse' } }
const ONCE = {
  job: ['MediaJobRequested', 'MediaJobStarted', 'MediaJobSubmittedToProvider', 'MediaJobCompleted'],
  money: ['HoldPlaced', 'HoldCaptured'],
}
const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
}, WAIT_MS)

interface Conduct {
  refuses?: number
  loses?: boolean
  fails?: boolean
  stalls?: boolean
  lateMs?: number
  callbacks?: number
}
interface Taken {
  requestId: string
  model: string
  status: string
  isCancelled: boolean
  callbackUrl: string
}

async function serving(env: Record<string, string> = {}, processes: readonly string[] = ['killatamata-media']) {
  const queue = { MEDIA_QUEUE_MODELS: JSON.stringify(MODELS), MEDIA_QUEUE_POLL_INTERVAL_MS: '50' }
  const served = await startKillatamata({ processes, env: { ...queue, ...env } })
  stops.push(served.stop)
  const ada = await served.customer('ada')
  await served.credited(ada, BigInt(CREDIT))
  const control = `${served.sandbox.standins}/control/queue`
  const taken = async () => ((await (await fetch(control)).json()) as { requests: Taken[] }).requests
  return {
    ...{ served, ada, taken },
    /** How the queue treats the next ones. */
    conducts: (...next: Conduct[]) => fetch(control, { method: 'PUT', body: JSON.stringify({ next }) }),
    async submit(body: object = PROMPT): Promise<string> {
      const { status, body: answered } = await served.post('media/jobs', body, ada.key)
      expect(status).toBe(201)
      return answered.externalJobId
    },
    end: (jobId: string) => endOf(served, ada.key, jobId),
    async balance() {
      const { body } = await served.get('balance', ada.key)
      return [body.usdBalanceMicros, body.usdHeldMicros]
    },
    /** The n-th that the queue has taken, once it has; from 0. */
    nth: (index: number) =>
      eventually(async () => {
        const found = (await taken())[index]
        if (!found) throw new Error('the queue has not taken it yet')
        return found
      }, WAIT_MS),
    /** Names of the events about the work behind a callback's address, and of those about money. */
    async events({ callbackUrl }: Taken) {
      const requestId = new URL(callbackUrl).pathname.split('/').at(-3)
      const ledger = await eventsOf(served.store, `killatamata.ledger-${ada.accountId}`)
      const job = await eventsOf(served.store, `killatamata.mediaJob-${requestId}`)
      const nameOf = ({ type }: { type: string }) => type.split('.')[1] ?? ''
      return { job: job.map(nameOf), money: ledger.map(nameOf).filter((name) => name.startsWith('Hold')) }
    },
  }
}

/** A runner of its own, which is stopped alone. `change`: what is different of its parts. */
async function startRunner(
  served: ServedKillatamata,
  name: string,
  change: (media: Media) => Partial<Media> = () => ({}),
) {
  const parts = served.newParts()
  const { media, close } = await openMedia(parts, name, { sandboxOrigin: () => served.sandbox.standins })
  const stopping = new AbortController()
  const dependencies = { ...parts.dependenciesOf('killatamata-media', newProcessHealth()), signal: stopping.signal }
  const running = runMedia({ ...dependencies, media: { ...media, ...change(media) } })
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopping.abort()
    stopped ??= running.finally(close)
    return stopped
  }
  stops.push(stop)
  return stop
}

/** Its log takes no id of submitted work: as if it was killed in between. */
const forgetful = ({ bus }: Media): Partial<Media> => ({
  bus: {
    ...bus,
    handle: (aggregate, id, command, context) =>
      (command as { kind: string }).kind === 'submitted'
        ? Promise.reject(new Error('killed'))
        : bus.handle(aggregate, id, command, context),
  },
})

const say = async (url: string, requestId: string) => {
  const body = JSON.stringify({ request_id: requestId, status: 'OK', payload: { images: [] } })
  const answer = await fetch(url, { method: 'POST', body })
  return [answer.status, ((await answer.json()) as { code?: string }).code]
}

describe('a job for a queue', () => {
  it('is done there, by the model of its task, and its files are what was asked for', async () => {
    const { submit, end, taken, balance } = await serving()
    const input = { prompt: 'a lighthouse', aspectRatio: '16:9', outputFormat: 'png', upscale: true }
    const made = await end(await submit({ task: 'image.generate', input }))
    expect(made).toMatchObject({ status: 'completed', outputFiles: [{ mimeType: 'image/png', width: 2_016 }] })
    const { bytes } = await bytesAt(made.outputUrl)
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 2_016, height: 1_152 })
    const sourceImage = { dataBase64: await picture(300, 200, 'jpeg') }
    const edited = await end(await submit({ task: 'image.edit', input: { prompt: 'bluer', sourceImage } }))
    expect(edited.outputFiles).toMatchObject([{ mimeType: 'image/webp', width: 288, height: 192 }])
    // What no model is named for is done here.
    const sound = { task: 'moss.sound.effect', input: { prompt: 'rain', durationSeconds: 1 } }
    expect(await end(await submit(sound))).toMatchObject({ status: 'completed' })
    expect((await taken()).map(({ model }) => model)).toStrictEqual(Object.values(MODELS))
    expect((await balance())[1]).toBe(0)
  })

  it('waits where the queue is busy, and fails where it refuses the work, or could not do it', async () => {
    const { conducts, submit, end, taken, balance } = await serving()
    await conducts({ refuses: 429 }, { refuses: 503 }, {}, { refuses: 422 }, { fails: true })
    expect(await end(await submit())).toMatchObject({ status: 'completed' })
    expect(await taken()).toHaveLength(1)
    const refused = await end(await submit())
    expect(refused.result.error.code).toBe('input_unusable')
    const failed = await end(await submit())
    expect(failed.result.error).toStrictEqual({
      ...{ code: 'provider_failed', message: 'The provider could not do the work.' },
    })
    expect(await balance()).toStrictEqual([CREDIT - PRICE, 0])
  })

  it('that is under way when its process stops is gone on with by the next one, under the same id', async () => {
    const { served, conducts, submit, end, nth, taken, events } = await serving({}, [])
    const stop = await startRunner(served, 'first')
    await conducts({ lateMs: BEYOND_DRAIN_MS, callbacks: 0 })
    const jobId = await submit()
    const work = await nth(0)
    await eventually(async () => expect((await events(work)).job).toContain('MediaJobSubmittedToProvider'))
    await stop()
    await startRunner(served, 'second')
    expect(await end(jobId)).toMatchObject({ status: 'completed' })
    expect(await taken()).toMatchObject([{ isCancelled: false, status: 'COMPLETED' }])
    expect(await events(work)).toStrictEqual(ONCE)
  })
})

describe('row K13: a callback of a provider', () => {
  it('that comes three times, of another attempt, with another id, and after the end has no effect of its own', async () => {
    const { conducts, submit, end, nth, events, balance } = await serving()
    await conducts({ callbacks: 3, lateMs: 300 })
    const jobId = await submit()
    const work = await nth(0)
    await eventually(async () => expect((await events(work)).job).toContain('MediaJobSubmittedToProvider'))
    // It says that it is done, and is not: whoever believed it would fetch nothing.
    expect(await say(work.callbackUrl, work.requestId)).toStrictEqual([200, undefined])
    expect(await say(work.callbackUrl, 'another')).toStrictEqual([200, undefined])
    expect(await end(jobId)).toMatchObject({ status: 'completed' })
    expect(await say(work.callbackUrl, work.requestId)).toStrictEqual([200, undefined])
    expect(await events(work)).toStrictEqual(ONCE)
    expect(await balance()).toStrictEqual([CREDIT - PRICE, 0])
  })

  it('without the token that its address was given with is refused, and names nothing', async () => {
    const { conducts, submit, nth, events } = await serving()
    await conducts({ loses: true, stalls: true, callbacks: 0 })
    await submit()
    const work = await nth(0)
    const other = work.callbackUrl.split('/')
    const forged = [
      work.callbackUrl.replace(/[\w-]{48}$/, 'A'.repeat(48)),
      // The token of the first attempt is none for the second, nor for another request.
      other.with(-2, '2').join('/'),
      other.with(-3, '00000000-0000-5000-8000-000000000000').join('/'),
      other.slice(0, -1).join('/'),
    ]
    for (const url of forged) expect(await say(url, work.requestId)).toStrictEqual([400, 'signature_invalid'])
    expect((await events(work)).job).toStrictEqual(ONCE.job.slice(0, 2))
    // Who has the address is believed what the work is called, and a name that leads elsewhere is none.
    expect(await say(work.callbackUrl, '../../files/x')).toStrictEqual([200, undefined])
    expect((await events(work)).job).toStrictEqual(ONCE.job.slice(0, 2))
    expect(await say(work.callbackUrl, work.requestId)).toStrictEqual([200, undefined])
    expect((await events(work)).job).toStrictEqual(ONCE.job.slice(0, 3))
  })

  it('names work whose answer was lost: it is not submitted again', async () => {
    const { conducts, submit, end, nth, taken, events } = await serving()
    await conducts({ loses: true })
    expect(await end(await submit())).toMatchObject({ status: 'completed' })
    expect(await taken()).toHaveLength(1)
    expect(await events(await nth(0))).toStrictEqual(ONCE)
  })

  it('names work whose id died with its process: it is not submitted again', async () => {
    const { served, conducts, submit, end, nth, taken, events } = await serving({}, [])
    const stop = await startRunner(served, 'killed', forgetful)
    await conducts({ lateMs: BEYOND_DRAIN_MS })
    const jobId = await submit()
    const work = await nth(0)
    await stop()
    expect((await events(work)).job).toStrictEqual(ONCE.job.slice(0, 2))
    await startRunner(served, 'next')
    expect(await end(jobId)).toMatchObject({ status: 'completed' })
    expect(await taken()).toHaveLength(1)
    expect(await events(work)).toStrictEqual(ONCE)
  })

  it('that never comes has the work submitted once more, and the job is paid once', async () => {
    const { conducts, submit, end, nth, taken, events, balance } = await serving({ MEDIA_QUEUE_NAME_WAIT_MS: '800' })
    await conducts({ loses: true, callbacks: 0 })
    expect(await end(await submit())).toMatchObject({ status: 'completed' })
    expect(await taken()).toHaveLength(2)
    const { job, money } = await events(await nth(0))
    expect(job).toStrictEqual([...ONCE.job.slice(0, 2), ...ONCE.job.slice(1)])
    expect(money).toStrictEqual(ONCE.money)
    expect(await balance()).toStrictEqual([CREDIT - PRICE, 0])
  })

  it('after the deadline changes nothing: the work is cancelled, nothing is charged, and no file is kept', async () => {
    const { served, conducts, submit, end, nth, events, balance } = await serving({ MEDIA_JOB_DEADLINE_MS: '6000' })
    await conducts({ lateMs: 8_000 })
    const failed = await end(await submit())
    expect(failed.result.error.code).toBe('provider_timeout')
    const work = await eventually(async () => {
      const found = await nth(0)
      expect(found).toMatchObject({ isCancelled: true, status: 'COMPLETED' })
      return found
    }, WAIT_MS)
    expect(await say(work.callbackUrl, work.requestId)).toStrictEqual([200, undefined])
    expect((await events(work)).job).toStrictEqual([...ONCE.job.slice(0, 3), 'MediaJobFailed'])
    expect(await balance()).toStrictEqual([CREDIT, 0])
    expect(await served.parts.media.objects.list('media/outputs/', undefined, 10)).toStrictEqual([])
  })
})
