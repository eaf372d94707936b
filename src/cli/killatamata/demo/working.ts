/** Media jobs: a picture, its edit, a spoken sentence, a clip and its resize, a job that fails, and the last dollar. */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { type Contexts, problemOf } from '@opslog/client'
import { accepted } from '../../accepted.ts'
import { poll } from '../../demo/client.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { payByX402 } from './buying.ts'
import { keepFile, pictureFacts, playedFacts } from './files.ts'
import { enterByGoogle } from './signing-in.ts'
import {
  balanceOf,
  type Caller,
  dollars,
  type KillatamataStory,
  MICROS_PER_CENT,
  partOf,
  rowsOf,
  type Say,
} from './story.ts'

type Jobs = Contexts['killatamata']['/api/v1/media/jobs']
type Wanted = Jobs['post']['requestBody']['content']['application/json']
export type Job = Jobs['get']['responses'][200]['content']['application/json']
const ENDS = ['completed', 'failed']

const submit = (caller: Caller, body: Wanted) => caller.POST('/api/v1/media/jobs', { body })

/** The job once it has ended, or as it is when the patience is over. */
const endOf = ({ waits }: KillatamataStory, caller: Caller, jobId: string): Promise<Job> =>
  poll(
    () => accepted(caller.GET('/api/v1/media/jobs', { params: { query: { jobId, includeDetails: true } } })),
    ({ status }) => ENDS.includes(status),
    waits,
  )

const chargedOf = ({ billing }: Job): number | null => billing.usdChargedMicros

/** Submits, and waits; checks that it was completed for what was held. */
async function made(story: KillatamataStory, wanted: Wanted): Promise<Job> {
  const { customer, checks, run } = story
  const { task } = wanted
  const submitted = await accepted(submit(customer, { idempotencyKey: `${run}-${task}`, ...wanted }))
  const ended = await endOf(story, customer, submitted.externalJobId)
  const told = `${ended.status} ${chargedOf(ended)}`
  checks.equal(`${task} is completed, and charged`, told, `completed ${submitted.usdChargedMicros}`)
  return ended
}

export async function makePicture(story: KillatamataStory, say: Say): Promise<void> {
  const { sandbox, standIns, run, checks, found, waits } = story
  const sink = `demo-${run}`
  const completionCallbackUrl = `${sandbox().standins}/sink/${sink}`
  const input = { prompt: 'a lighthouse in fog', outputFormat: 'png' as const }
  const job = await made(story, { task: 'image.generate', input, completionCallbackUrl })
  found.picture = await keepFile(story, job, 'picture.png')
  checks.equal('the picture is what was asked for', await pictureFacts(found.picture), 'png 1024x1024')
  const requests = await poll(
    async () => rowsOf(await standIns('GET', `/control/sink/${sink}`), 'requests'),
    (came) => came.length > 0,
    waits,
  )
  checks.equal('one callback tells of it', requests.length, 1)
  const [callback = {}] = requests
  checks.equal('and is signed by a published key', await isSigned(story, callback), true)
  const body = JSON.parse(String(callback.body ?? '{}')) as Record<string, unknown>
  const told = `${body.event} ${body.externalJobId}`
  checks.equal('for this job', told, `media.job.completed ${job.externalJobId}`)
  say(dollars(Number(chargedOf(job))))
}

const SCHEME = 'v1a,'

async function isSigned({ apiUrl }: KillatamataStory, { headers, body }: Record<string, unknown>): Promise<boolean> {
  const of = (headers ?? {}) as Record<string, string>
  const answer = await fetch(`${apiUrl()}/.well-known/callback-keys.json`)
  const { keys } = (await answer.json()) as { keys: JsonWebKey[] }
  const signed = Buffer.from(`${of['webhook-id']}.${of['webhook-timestamp']}.${body}`)
  const signature = Buffer.from(String(of['webhook-signature']).slice(SCHEME.length), 'base64')
  return keys.some((key) => verify(null, signed, createPublicKey({ key, format: 'jwk' }), signature))
}

export async function editPicture(story: KillatamataStory, say: Say): Promise<void> {
  const input = { prompt: 'at night', ...sourceOf(story) }
  const job = await made(story, { task: 'image.edit', input })
  const edited = await keepFile(story, job, 'edited.webp')
  story.checks.equal('the edit has its size', await pictureFacts(edited), 'webp 1024x1024')
  say(dollars(Number(chargedOf(job))))
}

const sourceOf = ({ found: { picture } }: KillatamataStory) => (picture ? { sourceImageUrl: picture.url } : {})

const SENTENCE = 'The tide comes in, and the tide goes out.'

export async function speak(story: KillatamataStory, say: Say): Promise<void> {
  const sound = await keepFile(
    story,
    await made(story, { task: 'audio.speak', input: { text: SENTENCE } }),
    'spoken.ogg',
  )
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
  const input = { prompt: 'waves', startFrameImageUrl: found.picture?.url ?? '', ...CLIP }
  const clip = await keepFile(story, await made(story, { task: 'video.generate', input }), 'clip.mp4')
  const { codec, size, frames } = await playedFacts(story, clip)
  checks.equal(
    'the clip is what was asked for',
    `${codec} ${size} ${frames}`,
    `h264 ${textOf(CLIP)} ${CLIP.durationFrames}`,
  )
  const resized = await made(story, { task: 'video.resize', input: { sourceVideoUrl: clip.url, ...SMALL } })
  const small = await playedFacts(story, await keepFile(story, resized, 'small.mp4'))
  checks.equal('and is resized frame by frame', `${small.size} ${small.frames}`, `${textOf(SMALL)} ${frames}`)
  say(`${frames} frames`)
}

export async function fail(story: KillatamataStory, say: Say): Promise<void> {
  const { customer, checks, standIns, sandbox, run } = story
  const before = await balanceOf(story, customer)
  const name = `demo-${run}.png`
  await standIns('PUT', `/control/files/${name}`, { no: 'picture' })
  const input = { prompt: 'at noon', sourceImageUrl: `${sandbox().standins}/files/${name}` }
  const { usdChargedMicros, externalJobId } = await accepted(submit(customer, { task: 'image.edit', input }))
  checks.holds('money is held', usdChargedMicros > 0, 'more than 0', usdChargedMicros)
  const ended = await endOf(story, customer, externalJobId)
  checks.equal('a source that is no picture fails the job', `${ended.status} ${chargedOf(ended)}`, 'failed 0')
  const after = await balanceOf(story, customer, (available, held) => available === before.available && held === 0)
  checks.equal('and the hold is back', `${after.available} ${after.held}`, `${before.available} 0`)
  say(String(partOf(ended.result, 'error').code))
}

const SUBMITS = 200
/** Pixels that make a job's price 60,000 micro-dollars: a dollar pays for 16, and something is left. */
const COSTLY = { prompt: 'a last picture', width: 1_024, height: 2_048, highDetail: true }
const LAST_CENTS = 100

export async function spendLastDollar(story: KillatamataStory, say: Say): Promise<void> {
  const { as, checks } = story
  const spender = as((await enterByGoogle(story, 'spender')).key)
  await accepted((await payByX402(story, spender, LAST_CENTS)).pay())
  const lowest = { available: LAST_CENTS * MICROS_PER_CENT }
  const send = async () => {
    const answer = await submit(spender, { task: 'image.generate', input: COSTLY })
    lowest.available = Math.min(lowest.available, answer.data?.usdBalanceMicros ?? lowest.available)
    return answer
  }
  const answers = await Promise.all(Array.from({ length: SUBMITS }, send))
  const taken = answers.flatMap(({ data }) => data ?? [])
  const price = Number(taken[0]?.usdChargedMicros)
  const payable = Math.floor((LAST_CENTS * MICROS_PER_CENT) / price)
  checks.equal('as many jobs are taken as the dollar pays for', taken.length, payable)
  const others = new Set(answers.filter(problemOf).map(statusOf))
  checks.equal('all others are refused', [...others].join(', '), '402 insufficient_balance')
  checks.holds('the balance is never below zero', lowest.available >= 0, 'at least 0', lowest.available)
  const left = LAST_CENTS * MICROS_PER_CENT - payable * price
  const { available } = await balanceOf(story, spender)
  checks.equal('what is left is the rest', available, left)
  const ended = await Promise.all(taken.map(({ externalJobId }) => endOf(story, spender, externalJobId)))
  checks.equal(
    'all that were taken are completed',
    ended.filter(({ status }) => status === 'completed').length,
    payable,
  )
  const settled = await balanceOf(story, spender, (_, held) => held === 0)
  checks.equal('and charged: nothing is held', `${settled.available} ${settled.held}`, `${left} 0`)
  say(`${taken.length} of ${SUBMITS}, ${dollars(left)} left`)
}
