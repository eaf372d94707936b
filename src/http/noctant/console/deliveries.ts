/** What went out: commands to the engine, and attempts to deliver webhooks, with what became of each. */
import { html } from 'hono/html'
import { attemptStatus } from '../../../events/webhook.ts'
import { deliveries, findWebhookEndpoint, type WebhookAttemptRow } from '../../../projections/noctant/webhook.ts'
import { type Asked, type Markup, type Shown, tenantOf } from '../../pages/declaration.ts'
import { listView } from '../../pages/list.ts'
import {
  empty,
  fieldsOf,
  link,
  live,
  onRecord,
  pathOf,
  said,
  section,
  shortId,
  state,
  time,
} from '../../pages/markup.ts'
import { figure, rowsTable } from '../../pages/table.ts'
import { rowsOf, thingOf, thingView } from '../../pages/things.ts'
import type { NoctantParts } from '../access.ts'
import { accountThings, type CommandRow, commandThings, deliveryThings } from './things.ts'

type Noctant = Asked<NoctantParts>

/** Attempts of one event, the newest first: more than any endpoint is tried. */
const ATTEMPTS_SHOWN_MAX = 50

export const showCommands = listView({
  ...commandThings,
  columns: [
    { name: 'command_id', label: 'Command' },
    { name: 'command_type', label: 'What' },
    { name: 'status', label: 'Status' },
    { name: 'engine_command_outcome', label: 'Outcome' },
    { name: 'attempts', label: 'Sent', isFigure: true },
    {
      name: 'account_id',
      label: 'Account',
      show: (row) =>
        shortId(row.account_id, row.account_id ? pathOf('noctant', 'accounts', row.account_id) : undefined),
    },
    { name: 'accepted_at', label: 'Accepted' },
    { name: 'engine_wal_confirmed_at', label: 'Confirmed' },
  ],
  filters: [
    {
      name: 'status',
      label: 'Status',
      choices: ['outbox_pending', 'nats_published', 'engine_wal_confirmed', 'dead_lettered'],
    },
    { name: 'engine_command_outcome', label: 'Outcome', choices: ['accepted', 'rejected', 'ignored'] },
    { name: 'command_type', label: 'What', is: 'begins' },
    { name: 'command_id', label: 'Command id' },
    { name: 'account_id', label: 'Account id' },
  ],
  empty: { says: 'Nothing was asked of the engine.', command: 'npm run demo' },
})

/** `+12 ms`: since the step before. */
const sinceMarkup = (from: string | null, to: string | null): Markup =>
  from === null || to === null ? '' : html`<small>+${Date.parse(to) - Date.parse(from)} ms</small>`

/** The four times of a command, each with what it took since the one before. */
function timesOf(row: CommandRow): Markup {
  const steps = [
    ['Accepted', row.accepted_at],
    ['Published', row.nats_published_at],
    ['In the engine’s log', row.engine_wal_confirmed_at],
    ['Decided', row.engine_command_outcome_at],
  ] as const
  return html`<ol class="tree">${steps.map(
    ([says, at], index) =>
      html`<li>${says}: ${at === null ? html`<span class="none">not yet</span>` : time(at)} ${
        index === 0 ? '' : sinceMarkup(steps[index - 1]?.[1] ?? null, at)
      }</li>`,
  )}</ol>`
}

/** An operator sees the commands of its own accounts. */
async function isSeen(asked: Noctant, { account_id }: CommandRow): Promise<boolean> {
  if (tenantOf(asked.viewer) === undefined) return true
  return account_id !== null && (await thingOf(accountThings, asked, account_id)) !== undefined
}

async function commandIn(asked: Noctant): Promise<CommandRow | undefined> {
  const everybody = { ...asked, viewer: { ...asked.viewer, principal: undefined } }
  const row = await thingOf(commandThings, everybody, asked.params.id ?? '')
  return row && (await isSeen(asked, row)) ? row : undefined
}

export async function showCommand(asked: Noctant): Promise<Shown | undefined> {
  const row = await commandIn(asked)
  if (!row) return undefined
  const { request, ...view } = row
  const content = async () => {
    const now = (await commandIn(asked)) ?? row
    return html`${section('On its way', timesOf(now))}`
  }
  const account = row.account_id
  return {
    title: `Command ${row.command_type ?? row.command_id.slice(0, 8)}`,
    content: html`${live(asked, 'times', await content())}
${fieldsOf(view, account ? { account_id: html`${account} ${link('Show the account', pathOf('noctant', 'accounts', account))}` } : {})}
${section('What was asked', html`<pre tabindex="0">${JSON.stringify(request, null, 2)}</pre>`)}
<p class="tools">${link('Trace', pathOf('traces', row.command_id))} ${link('History', pathOf('history', row.command_id))}</p>`,
    parts: { times: content },
  }
}

export const showDeliveries = listView({
  ...deliveryThings,
  columns: [
    { name: 'event_id', label: 'Event' },
    { name: 'event_type', label: 'Type' },
    { name: 'attempt_number', label: 'Attempt', isFigure: true },
    { name: 'status', label: 'Status' },
    { name: 'response_status', label: 'Answered', isFigure: true },
    { name: 'duration_ms', label: 'Took, ms', isFigure: true },
    { name: 'error_message', label: 'Why' },
    { name: 'operator_id', label: 'Operator' },
    { name: 'finished_at', label: 'Finished' },
  ],
  filters: [
    { name: 'status', label: 'Status', choices: attemptStatus.options },
    { name: 'event_type', label: 'Type', is: 'begins' },
    { name: 'event_id', label: 'Event id' },
    { name: 'operator_id', label: 'Operator id' },
  ],
  sorts: ['duration_ms'],
  hrefOf: ({ event_id }) => `/webhooks/${event_id}`,
  empty: { says: 'No webhook was sent.', command: 'opslog admin noctant webhook set --help' },
  asRequest: { path: '/noctant/v1/webhooks/deliveries' },
})

const attemptTable = (rows: readonly WebhookAttemptRow[]): Markup =>
  rowsTable('Attempts', rows, 'It was not tried yet.', [
    figure('attempt_number', 'Attempt', ({ attempt_number }) => attempt_number),
    { name: 'status', label: 'Status', show: ({ status }) => state(status) },
    figure('response_status', 'Answered', ({ response_status }) => response_status),
    figure('duration_ms', 'Took, ms', ({ duration_ms }) => duration_ms),
    { name: 'error_message', label: 'Why', show: (each) => said(each.error_message ?? '') },
    {
      name: 'response_body_excerpt',
      label: 'The answer began',
      show: (each) => said(each.response_body_excerpt ?? ''),
    },
    { name: 'started_at', label: 'Started', show: ({ started_at }) => time(started_at) },
  ])

async function endpointOf({ parts }: Noctant, operatorId: string): Promise<Markup> {
  const endpoint = await findWebhookEndpoint(parts.db, operatorId)
  if (!endpoint) return empty('There is no endpoint any more.')
  const { operator_id: _, ...view } = endpoint
  return fieldsOf(view)
}

export const showDelivery = thingView(deliveryThings, async (asked: Noctant, row): Promise<Shown> => {
  const attempts = async () => {
    const all = await rowsOf(asked, deliveries, {
      at: 'finished_at',
      of: ['event_id', row.event_id],
      limit: ATTEMPTS_SHOWN_MAX,
    })
    return attemptTable(all.filter(({ operator_id }) => operator_id === row.operator_id))
  }
  return {
    title: `Webhook ${row.event_type}`,
    content: html`${section('Attempts', live(asked, 'attempts', await attempts()))}
${fieldsOf({ event_id: row.event_id, event_type: row.event_type, operator_id: row.operator_id, created_at: row.created_at })}
${section('Endpoint', await endpointOf(asked, row.operator_id))}
${onRecord(row.event_id)}`,
    parts: { attempts },
  }
})
