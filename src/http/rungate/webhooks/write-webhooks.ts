/** POST, PUT and DELETE of webhooks, and their switch. */
import { z } from '@hono/zod-openapi'
import { deterministicId } from '../../../commands/identity.ts'
import { agent, agentNotFound } from '../../../commands/rungate/agent.ts'
import { nameTaken } from '../../../commands/rungate/name.ts'
import { ownerOf } from '../../../commands/rungate/naming.ts'
import { webhook } from '../../../commands/rungate/webhook.ts'
import {
  changeWebhook,
  createWebhook as create,
  livingWebhook,
  deleteWebhook as remove,
} from '../../../commands/rungate/webhooks.ts'
import { json, withHeaders } from '../../answers.ts'
import { dashboard, type Operator, type RungateParts, write } from '../access.ts'
import { noStore } from '../keys.ts'
import { requireOwn, visibilityOf } from '../people/rights.ts'
import { idOf } from '../runs/inputs.ts'
import { dataOf, idParams } from '../schemas.ts'
import { sealed } from './secrets.ts'
import { acceptUrl, webhookChange, webhookInput, webhookResponse, webhookRowOf, webhookView } from './webhook-view.ts'

const access = dashboard('write')
const tags = ['Webhooks']
const answers = { 200: json(dataOf(webhookResponse), 'The webhook as it is now.') }

/** The id of an agent of the account. Throws agent_not_found where it names none. */
async function ownAgent({ bus }: Pick<RungateParts, 'bus'>, given: string, { accountId }: Operator): Promise<string> {
  const agentId = idOf(given)
  const found = agentId === undefined ? undefined : await bus.current(agent, agentId)
  if (agentId === undefined || found?.status !== 'there' || found.facts.accountId !== accountId) throw agentNotFound()
  return agentId
}

export const createWebhook = write({
  path: '/api/webhooks',
  id: 'createWebhook',
  tags,
  summary: 'Make a webhook',
  description: 'From now on the URL hears of these events. The secret that signs them is whole in this answer alone.',
  example: { scope: 'org' },
  access,
  body: webhookInput,
  answers: {
    201: withHeaders(json(dataOf(webhookResponse), 'The webhook, with its secret shown this once.'), 'cache-control'),
  },
  refuses: [
    ...(['name_taken', 'agent_not_found', 'webhook_url_refused', 'webhook_limit_reached'] as const),
    ...(['webhook_not_found', 'visibility_refused', 'not_own'] as const),
  ],
  async handle({ principal, body, command, ...parts }) {
    const scope = visibilityOf(principal, body.scope, '/scope')
    await acceptUrl(parts, body.url)
    const { accountId, memberId, author } = principal
    const { name, url, description = null, agent_id, events } = body
    const agentId = agent_id === undefined ? null : await ownAgent(parts, agent_id, principal)
    // Before a secret is sealed for nothing.
    if (await ownerOf(parts.bus, accountId, 'webhook', name)) throw nameTaken(name)
    const webhookId = deterministicId('rungate.webhook', command.commandId)
    const { secret, kept } = await sealed(parts, webhookId, body.secret)
    const facts = {
      ...{ accountId, webhookId, memberId, author, ...kept, occurredAt: command.at },
      webhook: { name, url, description, events: [...new Set(events)], agentId, scope },
    }
    const { state, position, replayed } = await create(parts.bus, facts, parts.webhooks.webhooksMax, command)
    const data = webhookView(webhookRowOf(state), command.at, secret)
    return { status: 201, headers: noStore, body: { data }, handled: { position, replayed } }
  },
})

export const updateWebhook = write({
  method: 'put',
  path: '/api/webhooks/{id}',
  id: 'updateWebhook',
  tags,
  summary: 'Change a webhook',
  description:
    'Changes what is sent, its events as a whole. With another secret the former one signs on for ten minutes.',
  example: { status: 'paused' },
  access,
  params: idParams,
  body: webhookChange,
  answers,
  refuses: ['webhook_not_found', 'name_taken', 'agent_not_found', 'webhook_url_refused', 'not_own'],
  async handle({ principal, params: { id }, body, command, ...parts }) {
    const { name, url, description, events, agent_id, status, secret } = body
    // What is wrong with the body is told before what is wrong with the id, as everywhere.
    if (url !== undefined) await acceptUrl(parts, url)
    requireOwn(principal, (await livingWebhook(parts.bus, id, principal)).created)
    const facts = {
      ...(name !== undefined && { name }),
      ...(url !== undefined && { url }),
      ...(description !== undefined && { description }),
      ...(events !== undefined && { events: [...new Set(events)] }),
      ...(agent_id !== undefined && {
        agentId: agent_id === null ? null : await ownAgent(parts, agent_id, principal),
      }),
    }
    const rotation =
      secret === undefined
        ? undefined
        : { secret: (await sealed(parts, id, secret)).kept, previousValidUntil: parts.webhooks.overlapEnd(command.at) }
    const change = { webhook: facts, ...(status && { status }), ...(rotation && { rotation }) }
    const handled = await changeWebhook(parts.bus, id, change, principal, command)
    return { status: 200, body: { data: webhookView(webhookRowOf(handled.state), command.at) }, handled }
  },
})

export const deleteWebhook = write({
  method: 'delete',
  path: '/api/webhooks/{id}',
  id: 'deleteWebhook',
  tags,
  summary: 'Delete a webhook',
  description: 'Deletes the webhook and its secret for good. What waited for it is given up.',
  access,
  params: idParams,
  answers: { 200: json(dataOf(z.object({ message: z.string() })), 'The webhook is deleted.') },
  refuses: ['webhook_not_found', 'not_own'],
  async handle({ bus, principal, params: { id }, command }) {
    requireOwn(principal, (await livingWebhook(bus, id, principal)).created)
    const handled = await remove(bus, id, principal, command)
    return { status: 200, body: { data: { message: 'The webhook is deleted.' } }, handled }
  },
})

const switching = (
  kind: 'enable' | 'disable' | 'expirePrevious',
  path: string,
  { id, summary, description }: Readonly<Record<'id' | 'summary' | 'description', string>>,
) =>
  write({
    path: `/api/webhooks/{id}/${path}`,
    ...{ id, tags, summary, description, access, params: idParams, answers },
    refuses: ['webhook_not_found', 'not_own'],
    async handle({ bus, principal, params: { id: webhookId }, command }) {
      requireOwn(principal, (await livingWebhook(bus, webhookId, principal)).created)
      const { accountId, memberId, author } = principal
      const wanted = { kind, accountId, memberId, author, at: command.at }
      const handled = await bus.handle(webhook, webhookId, wanted, command)
      return { status: 200, body: { data: webhookView(webhookRowOf(handled.state), command.at) }, handled }
    },
  })

export const enableWebhook = switching('enable', 'enable', {
  id: 'enableWebhook',
  summary: 'Enable a webhook',
  description:
    'The webhook hears of what happens from now on, and its failures are forgotten. Harmless where it is active.',
})
export const disableWebhook = switching('disable', 'disable', {
  id: 'disableWebhook',
  summary: 'Pause a webhook',
  description: 'The webhook misses what happens until it is enabled, and what waits for it is given up.',
})
export const expirePreviousWebhookSecret = switching('expirePrevious', 'expire-previous-secret', {
  id: 'expirePreviousWebhookSecret',
  summary: 'End a former secret',
  description: 'The former secret signs no more. Harmless where there is none.',
})
