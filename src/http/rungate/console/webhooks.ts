/** Webhooks of accounts: where they lead, how that is going, and a test event by the operation of the API. */
import { html } from 'hono/html'
import { countsBy, type Filter } from '../../../projections/listing.ts'
import { type WebhookRow, webhooks } from '../../../projections/rungate/webhook.ts'
import { webhookDeliveries } from '../../../projections/rungate/webhook-delivery.ts'
import type { ActionDeclaration, Asked, Markup } from '../../pages/declaration.ts'
import type { ListOf } from '../../pages/list.ts'
import { cameOf, said, section, shortId, state, time } from '../../pages/markup.ts'
import { plainPages } from '../../pages/plain-pages.ts'
import { figure, rowsTable } from '../../pages/table.ts'
import { rowsOf, thingOf, type WithDatabase } from '../../pages/things.ts'
import type { RungateParts } from '../access.ts'
import { sendWebhookTest } from '../webhooks/test-webhook.ts'
import { principalFor } from './operator.ts'

/** Of one webhook. */
const DELIVERIES_SHOWN_MAX = 50
const path = '/rungate/webhooks'

export const webhookList: ListOf<typeof webhooks> = {
  ...{ table: webhooks, kind: 'webhook', kinds: 'webhooks', tenant: 'account_id', id: 'webhook_id', at: 'created_at' },
  path,
  // A token is no member, and sees nothing that is a member's own.
  ofKeys: [{ column: 'scope', is: 'equal', value: 'org' }],
  nameOf: ({ name }) => name,
  columns: [
    { name: 'name' },
    { name: 'webhook_id', label: 'Webhook' },
    { name: 'url', label: 'Where', show: ({ url }) => said(new URL(url).origin) },
    { name: 'status', label: 'Status' },
    { name: 'failures', label: 'Given up in a row', isFigure: true },
    { name: 'account_id', label: 'Account' },
    { name: 'created_at', label: 'Created' },
  ],
  filters: [
    { name: 'status', choices: ['active', 'paused', 'failing'] },
    { name: 'name', is: 'begins' },
    { name: 'account_id', label: 'Account id' },
  ],
  empty: { says: 'No account has a webhook.', command: 'opslog rungate listen --help' },
  asRequest: { path: '/rungate/api/webhooks', command: 'opslog admin rungate webhook list' },
}

const deliveriesOf = ({ webhook_id }: WebhookRow): Filter[] => [
  { column: 'webhook_id', is: 'equal', value: webhook_id },
]

async function more(asked: Asked<WithDatabase>, row: WebhookRow): Promise<Markup> {
  const of = { at: 'created_at', of: ['webhook_id', row.webhook_id], limit: DELIVERIES_SHOWN_MAX } as const
  const [rows, counts] = await Promise.all([
    rowsOf(asked, webhookDeliveries, of),
    countsBy(asked.parts.db, webhookDeliveries, 'status', deliveriesOf(row)),
  ])
  return html`<p>Deliveries: ${counts.length === 0 ? 'none yet' : counts.map(({ value, count }) => `${count} ${value}`).join(', ')}.</p>
${section(
  'Last deliveries',
  rowsTable('Last deliveries', rows, 'Nothing was sent to it yet.', [
    { name: 'delivery_id', label: 'Delivery', show: ({ delivery_id }) => shortId(delivery_id) },
    { name: 'event_type', label: 'Type', show: ({ event_type }) => event_type },
    { name: 'status', label: 'Status', show: ({ status }) => state(status) },
    figure('attempts', 'Attempts', ({ attempts }) => attempts),
    figure('response_status', 'Answered', ({ response_status }) => response_status),
    { name: 'created_at', label: 'Since', show: ({ created_at }) => time(created_at) },
  ]),
)}`
}

export const webhookPages = plainPages({ list: webhookList, title: 'Webhooks', scopes: ['read'], more })

/** However the webhook stands, and once. */
export const sendTest: ActionDeclaration<RungateParts> = {
  ...{ of: `${path}/:id`, name: 'send-test', title: 'Send test event', audience: ['administrator', 'operator'] },
  scopes: ['write'],
  async prepare(asked) {
    const row = await thingOf(webhookList, asked, asked.params.id ?? '')
    if (!row) return undefined
    const counts = await countsBy(asked.parts.db, webhookDeliveries, 'status', deliveriesOf(row))
    const arrived = counts.find(({ value }) => value === 'success')?.count ?? '0'
    const standing = row.status === 'active' ? '' : html` It is ${row.status}, and takes nothing but tests.`
    return {
      says: html`<p>Sends 1 event of the type webhook.test to ${said(new URL(row.url).origin)} (${said(row.name)}), signed and tried once.
${arrived} deliveries have arrived there so far.${standing}</p>`,
    }
  },
  async perform(acting) {
    const row = await thingOf(webhookList, acting, acting.params.id ?? '')
    if (!row) throw new Error('the webhook of an action was there a moment ago')
    const principal = principalFor(acting, row.account_id, row.scope === 'personal' ? row.member_id : null)
    const { parts, command, runtime } = acting
    const { handled } = await sendWebhookTest(parts, row.webhook_id, principal, command)
    const { position } = handled
    if (position !== undefined) await parts.waiter.waitFor(position, runtime.limits.readYourWritesWaitMs)
    return {
      message: 'The test event is on its way: its delivery stands here.',
      links: [cameOf(command.commandId)],
    }
  },
}
