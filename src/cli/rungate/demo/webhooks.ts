/** Webhooks of the agent’s runs and approvals: received on this machine, and their signatures looked at. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { poll } from '../../demo/client.ts'
import { heardOnce, type ReceivedWebhook, startListener } from '../../demo/listener.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { pathOf, type RungateStory, type Say } from './story.ts'

/** What the agent's chapters bring about, and how often. */
const TOLD = { 'approval.approved': 1, 'run.force_stopped': 1, 'run.started': 5 } as const
const EVENTS = Object.keys(TOLD) as (keyof typeof TOLD)[]

export async function listen({ admin, checks, found, run, allowsLoopback }: RungateStory, say: Say): Promise<void> {
  const listener = await startListener('/rungate', { id: 'x-rungate-delivery', signature: 'x-rungate-signature-256' })
  found.listener = listener
  const body = { name: `Demo ${run}`, url: listener.url, events: EVENTS, agent_id: found.agentId }
  const made = await admin.POST('/api/webhooks', { body })
  if (!allowsLoopback) {
    checks.equal('an address of this machine is refused', statusOf(made), '400 validation_error')
    return say('WEBHOOK_ALLOW_PRIVATE=true lets it hear of the runs')
  }
  checks.equal('a webhook is set', statusOf(made), '201')
  const { id = '', secret = '' } = made.data?.data ?? {}
  found.webhook = { id, secret }
  say(listener.url)
}

export async function readWebhooks({ admin, checks, found, waits }: RungateStory, say: Say): Promise<void> {
  const { listener, webhook } = found
  if (!listener || !webhook) return say('none: webhooks do not go to this machine')
  const wanted = Object.values(TOLD).reduce((sum, count) => sum + count, 0)
  await poll(
    async () => heardOnce(listener).once.length,
    (count) => count >= wanted,
    waits,
  )
  const { once, counts } = heardOnce(listener)
  checks.equal('runs, the stop and the approval are told', counts, JSON.stringify(TOLD))
  const forged = listener.received.filter((each) => !isSigned(each, webhook.secret))
  checks.equal('each is signed with the webhook’s secret', forged.length, 0)
  checks.equal('it is deleted', statusOf(await admin.DELETE('/api/webhooks/{id}', pathOf(webhook.id))), '200')
  say(`${once.length} webhooks`)
}

const SCHEME = 'sha256='

function isSigned({ signature, body }: ReceivedWebhook, secret: string): boolean {
  const given = Buffer.from(signature.slice(SCHEME.length), 'hex')
  const expected = createHmac('sha256', secret).update(body).digest()
  return signature.startsWith(SCHEME) && given.length === expected.length && timingSafeEqual(given, expected)
}
