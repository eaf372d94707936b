/** Operators' webhook endpoints: how each is doing, and what can be done about it: switched off and on, and told again what happened. */
import { randomUUID } from 'node:crypto'
import { html } from 'hono/html'
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { setWebhookEndpoint, webhookEndpoint } from '../../../commands/noctant/webhook-endpoint.ts'
import { partnerEventTypes } from '../../../events/noctant/partner-events.ts'
import { isUuid } from '../../../events/uuid.ts'
import { countsBy } from '../../../projections/listing.ts'
import { findOperator } from '../../../projections/noctant/operator.ts'
import {
  deliveries,
  findWebhookEndpoint,
  listWebhookEndpoints,
  type WebhookEndpointRow,
} from '../../../projections/noctant/webhook.ts'
import { webhookUrl } from '../../../webhooks/address.ts'
import { createResolve, refuseIfPrivate } from '../../../webhooks/request.ts'
import { generateWebhookSecret, sealSecret } from '../../../webhooks/secret.ts'
import { Problem } from '../../errors.ts'
import {
  type Acting,
  type ActionDeclaration,
  type Asked,
  type Markup,
  type Shown,
  tenantOf,
} from '../../pages/declaration.ts'
import { requestMarkup } from '../../pages/list.ts'
import { fieldsOf, link, live, onRecord, pathOf, said, section, shortId, state, time } from '../../pages/markup.ts'
import { momentOf } from '../../pages/moment.ts'
import { callOperation } from '../../pages/operation-call.ts'
import { rowsTable } from '../../pages/table.ts'
import type { NoctantParts } from '../access.ts'
import { countReplay, createWebhookReplay, LIMIT_MAX } from '../webhooks/create-webhook-replay.ts'
import { lastAttempts, sendTest } from './endpoint-test.ts'
import { principalFor } from './operator.ts'
import { webhookPlots } from './plots.ts'

type Noctant = Asked<NoctantParts>
type Action = ActionDeclaration<NoctantParts>

const SHOWN_MAX = 200

export const ENDPOINTS = '/webhook-endpoints'
const pathOfEndpoint = (operatorId: string): string => pathOf('webhook-endpoints', operatorId)
const stateOf = ({ enabled }: WebhookEndpointRow): Markup => state(enabled === false ? 'disabled' : 'active')

/** An operator has one. */
export async function showEndpoints(asked: Noctant): Promise<Shown | string> {
  const own = tenantOf(asked.viewer)
  if (own !== undefined && (await findWebhookEndpoint(asked.parts.db, own))) return `${ENDPOINTS}/${own}`
  const rows = own === undefined ? await listWebhookEndpoints(asked.parts.db, SHOWN_MAX) : []
  return {
    content: html`${rowsTable(
      'Webhook endpoints',
      rows,
      'No endpoint is set: opslog admin noctant webhook set --help',
      [
        { name: 'operator_id', label: 'Operator', show: ({ operator_id }) => shortId(operator_id) },
        { name: 'url_origin', label: 'Where', show: ({ url_origin }) => said(url_origin ?? '') },
        { name: 'enabled', label: 'State', show: stateOf },
        { name: 'failing_since', label: 'Failing since', show: ({ failing_since }) => time(failing_since) },
      ],
      ({ operator_id }) => pathOfEndpoint(operator_id),
    )}${requestMarkup(asked, { command: 'opslog admin noctant webhook show <operator>' })}`,
  }
}

/** Of the viewer's own, or of any where an administrator looks. */
async function endpointIn({ parts, params, viewer }: Noctant): Promise<WebhookEndpointRow | undefined> {
  const id = (params.id ?? '').toLowerCase()
  const own = tenantOf(viewer)
  if (!isUuid(id) || (own !== undefined && own !== id)) return undefined
  return findWebhookEndpoint(parts.db, id)
}

export async function showEndpoint(asked: Noctant): Promise<Shown | undefined> {
  const row = await endpointIn(asked)
  if (!row) return undefined
  const { operator_id: operatorId, ...view } = row
  const ofOperator = [{ column: 'operator_id', is: 'equal', value: operatorId }] as const
  const counts = await countsBy(asked.parts.db, deliveries, 'status', ofOperator)
  const attempts = () => lastAttempts(asked, operatorId)
  const toAttempts = `/console/webhooks?${new URLSearchParams({ operator_id: operatorId })}`
  return {
    title: `Webhook endpoint ${row.url_origin ?? ''}`,
    content: html`${fieldsOf({ operator_id: operatorId, ...view })}
<p>Attempts: ${counts.length === 0 ? 'none yet' : counts.map(({ value, count }) => `${count} ${value}`).join(', ')}.
${link('Show what was sent to it', toAttempts)}</p>
${section('Last attempts', live(asked, 'attempts', await attempts()))}
${section('How it goes', await webhookPlots(asked, ofOperator))}${onRecord(operatorId)}`,
    parts: { attempts },
    without: row.enabled === false ? ['disable', 'send-test'] : ['enable'],
  }
}

const of = `${ENDPOINTS}/:id`

const turn = (kind: 'enable' | 'disable', title: string, does: string): Action => ({
  ...{ of, name: kind, title, audience: ['administrator'], reason: 'required' },
  async prepare(asked) {
    const row = await endpointIn(asked)
    if (!row) return undefined
    const counts = await countsBy(asked.parts.db, deliveries, 'status', [
      { column: 'operator_id', is: 'equal', value: row.operator_id },
    ])
    const delivered = counts.find(({ value }) => value === 'delivered')?.count ?? '0'
    return {
      says: html`<p>${does} ${said(row.url_origin ?? 'the endpoint')}, to which ${delivered} attempts have arrived so far.</p>`,
    }
  },
  async perform(acting) {
    const { parts, params, command, reason, runtime } = acting
    const { at } = command
    const wanted = kind === 'enable' ? { kind, reason, at } : { kind, cause: 'administrator' as const, reason, at }
    const { position } = await parts.bus.handle(webhookEndpoint, params.id ?? '', wanted, command)
    if (position !== undefined) await parts.waiter.waitFor(position, runtime.limits.readYourWritesWaitMs)
    return { message: kind === 'enable' ? 'The endpoint is enabled.' : 'The endpoint is disabled.' }
  },
})

/** The address that is to be delivered to, where it may be. Rejects with webhook_url_refused. */
async function acceptedUrl({ parts }: Noctant, text: string): Promise<string> {
  const { allowLoopback } = parts.endpoints
  const url = webhookUrl(text, { allowLoopback }, Rejected)
  await refuseIfPrivate(url, { allowLoopback }, createResolve(), Rejected)
  return url.href
}

/** A new secret, as it is shown and as it is kept. */
async function newSecret({ parts }: Noctant, operatorId: string) {
  const secret = generateWebhookSecret()
  const secretId = randomUUID()
  const sealed = sealSecret(secret, { endpointId: operatorId, secretId }, await parts.endpoints.sealingKey())
  return { secret, kept: { secretId, sealed } }
}

const shownOnce = (secret: string): Markup =>
  html`<div class="message" role="status">The signing secret, shown this once: <code data-field="signing_secret">${secret}</code></div>`

/** On the operator's page, since an endpoint that was never set has none of its own. */
const set: Action = {
  ...{ of: '/operators/:id', name: 'set-webhook', title: 'Set webhook endpoint', audience: ['administrator'] },
  fields: [
    { name: 'url', label: 'Address', hint: 'https, and public.', isRequired: true, lengthMax: 2_000 },
    {
      name: 'types',
      label: 'Event types',
      kind: 'area',
      hint: 'Divided by commas or lines; none: every type.',
      lengthMax: 8_000,
    },
  ],
  async prepare({ parts, params }) {
    const operator = isUuid(params.id ?? '') ? await findOperator(parts.db, params.id ?? '') : undefined
    if (!operator) return undefined
    const known = await findWebhookEndpoint(parts.db, operator.operator_id)
    const where = known
      ? html`, in place of ${said(known.url_origin ?? '')}`
      : ', and makes a secret, which is shown once'
    return { says: html`<p>Delivers the events of ${said(operator.name)} to this address${where}.</p>` }
  },
  async perform(acting) {
    const { parts, params, form, command, runtime } = acting
    const operatorId = params.id ?? ''
    const url = await acceptedUrl(acting, form.get('url')?.trim() ?? '')
    const types = (form.get('types') ?? '').split(/[\s,]+/).filter((type) => type !== '')
    const unknown = types.find((type) => !partnerEventTypes.includes(type))
    if (unknown) throw new Rejected('webhook_event_type_unknown', `There is no event type ${unknown}.`, '/types')
    const { secret, kept } = await newSecret(acting, operatorId)
    const eventTypes = types.length === 0 ? null : types
    const wanted = { kind: 'set', operatorId, url, eventTypes, secret: kept, at: command.at } as const
    const handled = await setWebhookEndpoint(parts.bus, wanted, command)
    if (handled.position !== undefined)
      await parts.waiter.waitFor(handled.position, runtime.limits.readYourWritesWaitMs)
    const isNew = handled.events.some(({ type }) => type === 'noctant.WebhookEndpointSecretIssued.v1')
    return {
      message: 'The endpoint is set.',
      to: `${ENDPOINTS}/${operatorId}`,
      ...(isNew ? { once: shownOnce(secret) } : {}),
    }
  },
}

const rotate: Action = {
  ...{ of, name: 'rotate-secret', title: 'Rotate secret', audience: ['administrator'] },
  async prepare(asked) {
    const row = await endpointIn(asked)
    if (!row) return undefined
    const hours = asked.parts.endpoints.overlapMs / 3_600_000
    return {
      says: html`<p>Makes another secret for ${said(row.url_origin ?? '')}, shown once. The one before also signs for ${hours} hours.</p>`,
    }
  },
  async perform(acting) {
    const { parts, params, command, runtime } = acting
    const { secret, kept } = await newSecret(acting, params.id ?? '')
    const previousValidUntil = new Date(Date.parse(command.at) + parts.endpoints.overlapMs).toISOString()
    const wanted = { kind: 'rotateSecret', secret: kept, previousValidUntil, at: command.at } as const
    const handled = await parts.bus.handle(webhookEndpoint, params.id ?? '', wanted, command)
    if (handled.position !== undefined)
      await parts.waiter.waitFor(handled.position, runtime.limits.readYourWritesWaitMs)
    // Sent twice, the form has made one secret, which was shown with the first answer.
    if (handled.replayed) return { message: 'The secret was made before, and shown then.' }
    return { message: 'Another secret signs from now on.', once: shownOnce(secret) }
  },
}

const windowFields = (query: URLSearchParams) =>
  [
    { name: 'from', label: 'From', hint: 'Like 2026-01-31 09:00, in UTC.', isRequired: true },
    { name: 'to', label: 'To', hint: 'The first moment behind the window.', isRequired: true },
    { name: 'type', label: 'Event type', hint: 'One of those that the endpoint takes; may be left out.' },
  ].map((field) => ({ ...field, value: query.get(field.name) ?? '' }))

/** The body of the operation, from what the form says. Throws a Problem (400) that names the field. */
const bodyOf = (form: URLSearchParams) => ({
  from_created_at: momentOf(form.get('from')?.trim() ?? '', '/from'),
  to_created_at: momentOf(form.get('to')?.trim() ?? '', '/to'),
  event_types: form.get('type')?.trim() ? [form.get('type')?.trim() ?? ''] : null,
  limit: LIMIT_MAX,
})

async function countIn(asked: Noctant, form: URLSearchParams): Promise<number> {
  return countReplay(asked.parts, asked.params.id ?? '', { idempotency_key: 'count', ...bodyOf(form) })
}

/** Counted first, and then confirmed by the number. */
const replay: Action = {
  ...{ of, name: 'replay', title: 'Replay window', audience: ['administrator', 'operator'] },
  scopes: ['webhooks:replay'],
  async prepare(asked) {
    const row = await endpointIn(asked)
    if (!row) return undefined
    const fields = windowFields(asked.query)
    const recount = html`<p><button formmethod="get" formnovalidate>Count</button></p>`
    const does = html`<p>Delivers the events of a window to ${said(row.url_origin ?? 'the endpoint')} again, oldest first, at most ${LIMIT_MAX}.</p>`
    if (!asked.query.get('from')) return { says: html`${does}${recount}`, fields }
    try {
      const count = await countIn(asked, asked.query)
      const says = html`${does}<p><strong>${count} events</strong> are in this window.</p>${recount}`
      return { says, fields, ...(count === 0 ? {} : { confirm: String(count) }) }
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      return { says: html`${does}<p role="alert">${error.message}</p>${recount}`, fields }
    }
  },
  async perform(acting: Acting<NoctantParts>) {
    const { form, params, idempotencyKey: idempotency_key } = acting
    const count = await countIn(acting, form)
    if (form.get('confirm')?.trim() !== String(count)) {
      const says = `${count} events are in this window: count them, and type the number to confirm.`
      throw new Problem<'action_impossible'>('action_impossible', says)
    }
    const principal = await principalFor(acting, params.id ?? '')
    const body = { idempotency_key, ...bodyOf(form) }
    const done = await callOperation('noctant', createWebhookReplay, acting, principal, { body })
    const id = String(done.body.replay_request_id)
    return {
      message: `${done.body.enqueued_count} events are on their way again.`,
      links: [['What comes of it', `/traces/${id}`]],
    }
  },
}

export const endpointActions: readonly Action[] = [
  turn('enable', 'Enable', 'Delivers again, from now on, to'),
  turn('disable', 'Disable', 'Delivers nothing any more to'),
  ...[replay, sendTest(of, endpointIn), set, rotate],
]
