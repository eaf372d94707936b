/** Media jobs: a picture, its edit, a spoken sentence, a clip and its resize, a job that fails, and the last dollar. */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { type Call, poll } from '../../demo/client.ts'
import { payByX402 } from './buying.ts'
import { keepFile, pictureFacts, playedFacts } from './files.ts'
import { enterByGoogle } from './signing-in.ts'
import {
  balanceOf,
  dollars,
  type KillatamataStory,
  MICROS_PER_CENT,
  must,
  partOf,
  rowsOf,
  type Say,
  statusOf,
} from './story.ts'

type Job = Record<string, unknown>
const ENDS = ['completed', 'failed']

const submit = (call: Call, task: string, input: object, more: object = {}) =>
  call('POST', '/media/jobs', { task, input, ...more })

/** The job once it has ended, or as it is when the patience is over. */
const endOf = ({ waits }: KillatamataStory, call: Call, jobId: unknown): Promise<Job> =>
  poll(
    async () => must(await call('GET', `/media/jobs?jobId=${jobId}&includeDetails=true`), 200, 'a job'),
    ({ status }) => ENDS.includes(String(status)),
    waits,
  )

const chargedOf = (body: Job): unknown => partOf(body, 'billing').usdChargedMicros

/** Submits, and waits; checks that it was completed for what was held. */
async function made(story: KillatamataStory, task: string, input: object, more: object = {}): Promise<Job> {
  const { call, checks, run } = story
  const submitted = must(await submit(call, task, input, { idempotencyKey: `${run}-${task}`, ...more }), 201, task)
  const ended = await endOf(story, call, submitted.externalJobId)
  const told = `${ended.status} ${chargedOf(ended)}`
  checks.equal(`${task} is completed, and charged`, told, `completed ${submitted.usdChargedMicros}`)
  return ended
}

export async function makePicture(story: KillatamataStory, say: Say): Promise<void> {
  const { sandbox, standIns, run, checks, found, waits } = story
  const sink = `demo-${run}`
  const completionCallbackUrl = `${sandbox().standins}/sink/${sink}`
  const prompt = { prompt: 'a lighthouse in fog', outputFormat: 'png' }
  const job = await made(story, 'image.generate', prompt, { completionCallbackUrl })
  found.picture = await keepFile(story, job, 'picture.png')
  checks.equal('the picture is what was asked for', await pictureFacts(found.picture), 'png 1024x1024')
  const requests = await poll(
    async () => rowsOf((await standIns('GET', `/control/sink/${sink}`)).body, 'requests'),
    (came) => came.length > 0,
    waits,
  )
  checks.equal('one callback tells of it', requests.length, 1)
  const [callback = {}] = requests
  checks.equal('and is signed by a published key', await isSigned(story, callback), true)
  const body = JSON.parse(String(callback.body ?? '{}')) as Job
  const told = `${body.event} ${body.externalJobId}`
  checks.equal('for this job', told, `media.job.completed ${job.externalJobId}`)
  say(dollars(Number(chargedOf(job))))
}

const SCHEME = 'v1a,'

async function isSigned({ apiUrl }: KillatamataStory, { headers, body }: Job): Promise<boolean> {
  const of = (headers ?? {}) as Record<string, string>
  const answer = await fetch(`${apiUrl()}/.well-known/callback-keys.json`)
  const { keys } = (await answer.json()) as { keys: JsonWebKey[] }
  const signed = Buffer.from(`${of['webhook-id']}.${of['webhook-timestamp']}.${body}`)
  const signature = Buffer.from(String(of['webhook-signature']).slice(SCHEME.length), 'base64')
  return keys.some((key) => verify(null, signed, createPublicKey({ key, format: 'jwk' }), signature))
}

export async function editPicture(story: KillatamataStory, say: Say): Promise<void> {
  const input = { prompt: 'at night', sourceImageUrl: story.found.picture?.url }
  const job = await made(story, 'image.edit', input)
  const edited = await keepFile(story, job, 'edited.webp')
  story.checks.equal('the edit has its size', await pictureFacts(edited), 'webp 1024x1024')
  say(dollars(Number(chargedOf(job))))
}

const SENTENCE = 'The tide comes in, and the tide goes out.'

export async function speak(story: KillatamataStory, say: Say): Promise<void> {
  const sound = await keepFile(story, await made(story, 'audio.speak', { text: SENTENCE }), 'spoken.ogg')
  const { codec, durationS } = await playedFacts(story, sound)
  story.checks.holds(
    'the sentence is spoken',
    codec === 'opus' && durationS > 1,
    'opus, over 1 s',
    `${codec}, ${durationS} s`,
  )
  say(`${durationS.toFixed(1)} s`)
}

const CLIP = { durationFrames: 49, sampledFps: 24, interpolationFps: 0, width: 384, height: 256 }
const SMALL = { width: 192, height: 128 }
const textOf = ({ width, height }: typeof SMALL): string => `${width}x${height}`

export async function film(story: KillatamataStory, say: Say): Promise<void> {
  const { checks, found } = story
  const input = { prompt: 'waves', startFrameImageUrl: found.picture?.url, ...CLIP }
  const clip = await keepFile(story, await made(story, 'video.generate', input), 'clip.mp4')
  const { codec, size, frames } = await playedFacts(story, clip)
  checks.equal(
    'the clip is what was asked for',
    `${codec} ${size} ${frames}`,
    `h264 ${textOf(CLIP)} ${CLIP.durationFrames}`,
  )
  const resized = await made(story, 'video.resize', { sourceVideoUrl: clip.url, ...SMALL })
  const small = await playedFacts(story, await keepFile(story, resized, 'small.mp4'))
  checks.equal('and is resized frame by frame', `${small.size} ${small.frames}`, `${textOf(SMALL)} ${frames}`)
  say(`${frames} frames`)
}

export async function fail(story: KillatamataStory, say: Say): Promise<void> {
  const { call, checks, standIns, sandbox, run } = story
  const before = await balanceOf(story, call)
  const name = `demo-${run}.png`
  must(await standIns('PUT', `/control/files/${name}`, { no: 'picture' }), 201, 'a file of the sandbox')
  const input = { prompt: 'at noon', sourceImageUrl: `${sandbox().standins}/files/${name}` }
  const submitted = must(await submit(call, 'image.edit', input), 201, 'an edit')
  checks.holds('money is held', Number(submitted.usdChargedMicros) > 0, 'more than 0', submitted.usdChargedMicros)
  const ended = await endOf(story, call, submitted.externalJobId)
  checks.equal('a source that is no picture fails the job', `${ended.status} ${chargedOf(ended)}`, 'failed 0')
  const after = await balanceOf(story, call, (available, held) => available === before.available && held === 0)
  checks.equal('and the hold is back', `${after.available} ${after.held}`, `${before.available} 0`)
  say(String(partOf(partOf(ended, 'result'), 'error').code))
}

const SUBMITS = 200
/** Pixels that make a job's price 60,000 micro-dollars: a dollar pays for 16, and something is left. */
const COSTLY = { prompt: 'a last picture', width: 1_024, height: 2_048, highDetail: true }
const LAST_CENTS = 100

export async function spendLastDollar(story: KillatamataStory, say: Say): Promise<void> {
  const { as, checks } = story
  const spender = await enterByGoogle(story, 'spender')
  const call = as(() => spender.key)
  must(await (await payByX402(story, call, LAST_CENTS)).pay(), 201, 'a dollar by x402')
  const lowest = { available: LAST_CENTS * MICROS_PER_CENT }
  const send = async () => {
    const answer = await submit(call, 'image.generate', COSTLY)
    if (answer.status === 201) lowest.available = Math.min(lowest.available, Number(answer.body.usdBalanceMicros))
    return answer
  }
  const answers = await Promise.all(Array.from({ length: SUBMITS }, send))
  const taken = answers.filter(({ status }) => status === 201)
  const price = Number(taken[0]?.body.usdChargedMicros)
  const payable = Math.floor((LAST_CENTS * MICROS_PER_CENT) / price)
  checks.equal('as many jobs are taken as the dollar pays for', taken.length, payable)
  const others = new Set(answers.filter(({ status }) => status !== 201).map(statusOf))
  checks.equal('all others are refused', [...others].join(', '), '402 insufficient_balance')
  checks.holds('the balance is never below zero', lowest.available >= 0, 'at least 0', lowest.available)
  const left = LAST_CENTS * MICROS_PER_CENT - payable * price
  const { available } = await balanceOf(story, call)
  checks.equal('what is left is the rest', available, left)
  const ended = await Promise.all(taken.map(({ body }) => endOf(story, call, body.externalJobId)))
  checks.equal(
    'all that were taken are completed',
    ended.filter(({ status }) => status === 'completed').length,
    payable,
  )
  const settled = await balanceOf(story, call, (_, held) => held === 0)
  checks.equal('and charged: nothing is held', `${settled.available} ${settled.held}`, `${left} 0`)
  say(`${taken.length} of ${SUBMITS}, ${dollars(left)} left`)
}
