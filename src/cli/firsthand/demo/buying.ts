/** The buyer: signs in, buys credits, listens, posts a job. An administrator hires the worker of the run. */
import { poll } from '../../demo/client.ts'
import { startListener } from '../../demo/listener.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { registerWorker } from '../workers.ts'
import { balanceOf, type FirsthandStory, keyed, type Say } from './story.ts'

const PACK_CENTS = 5_000
const BONUS_CENTS = 500
export const FILES = 4
export const PRICE_CENTS = 25

export async function signIn(story: FirsthandStory, say: Say): Promise<void> {
  const { live, worker, checks, found, waits } = story
  const credits = await live.GET('/v1/billing/credits')
  checks.equal('the key signs the buyer in', statusOf(credits), '200')
  found.balance = Number(credits.data?.balance_cents)
  const hired = await story.withSession((session) =>
    registerWorker(session, { name: `Demo ${story.run}`, email: null }),
  )
  found.workerToken = hired.secret
  const earnings = await poll(
    () => worker.GET('/worker/v1/earnings'),
    ({ response }) => response.ok,
    waits,
  )
  checks.equal('the token signs the worker in', statusOf(earnings), '200')
  say(`${found.balance} cents`)
}

export async function buyCredits(story: FirsthandStory, say: Say): Promise<void> {
  const { live, checks, found, waits } = story
  const asked = { params: { header: keyed(story, 'pack') }, body: { amount_cents: PACK_CENTS } } as const
  const first = await live.POST('/v1/billing/credits/purchase', asked)
  checks.equal('a checkout is opened', statusOf(first), '200')
  const again = await live.POST('/v1/billing/credits/purchase', asked)
  checks.equal('asked for again it is the same one', again.data?.session_id, first.data?.session_id)
  const checkout = String(first.data?.checkout_url)
  checks.equal('nothing is credited before it is paid', await balanceOf(live), found.balance)
  for (const outcome of ['decline', 'success', 'success']) await choose(checkout, outcome)
  const wanted = found.balance + PACK_CENTS + BONUS_CENTS
  found.bought = await poll(
    () => balanceOf(live),
    (balance) => balance >= wanted,
    waits,
  )
  checks.equal(
    'declined, then paid twice: 5,000 and the bonus, once',
    found.bought - found.balance,
    wanted - found.balance,
  )
  say(`${found.bought} cents`)
}

/** The buyer's choice on the checkout page; paying twice charges once. */
async function choose(checkout: string, outcome: string): Promise<void> {
  const body = new URLSearchParams({ outcome })
  await poll(
    async () =>
      (await fetch(`${checkout}/pay`, { method: 'POST', body, redirect: 'manual' }).catch(() => undefined))?.status,
    (status) => status === 303,
    { waitMaxMs: 30_000, pollIntervalMs: 250 },
  )
}

export async function listen(story: FirsthandStory, say: Say): Promise<void> {
  const { live, checks, found } = story
  found.listener = await startListener('/firsthand', {
    ...{ id: 'x-firsthand-event-id', signature: 'x-firsthand-signature' },
  })
  const answer = await live.POST('/v1/webhook_endpoints', {
    ...{ params: { header: keyed(story, 'endpoint') }, body: { url: found.listener.url } },
  })
  if (!story.allowsLoopback) {
    checks.equal('an address of this machine is refused', statusOf(answer), '422 validation_error')
    return say('WEBHOOK_ALLOW_PRIVATE=true lets it hear of the job')
  }
  checks.equal('the endpoint is registered', statusOf(answer), '201')
  found.endpoint = { id: String(answer.data?.id), secret: String(answer.data?.signing_secret) }
  say(found.listener.url)
}

export async function postJob(story: FirsthandStory, say: Say): Promise<void> {
  const { live, checks, found } = story
  const body = {
    ...{ type: 'data_collection' as const, description: 'Drawings in many colours, each another one' },
    ...{
      files_needed: FILES,
      price_per_file_cents: PRICE_CENTS,
      accepted_formats: ['image/jpeg' as const, 'image/png' as const],
    },
    metadata: { run: story.run },
  }
  const posted = await live.POST('/v1/jobs', { params: { header: keyed(story, 'job') }, body })
  checks.equal('the job is posted', `${statusOf(posted)} ${posted.data?.status}`, '201 open')
  found.jobId = String(posted.data?.id)
  checks.equal('its credits are held', (await balanceOf(live)) - found.bought, -FILES * PRICE_CENTS)
  const unkeyed = await live.POST('/v1/jobs', { body, fetch: story.sendUnkeyed })
  checks.equal('without a key it is refused', statusOf(unkeyed), '400 invalid_request')
  say(found.jobId)
}
