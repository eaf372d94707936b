/** What the overview says of noctant: accounts by status, payouts that wait, what the engine has not confirmed, webhooks. */
import { html } from 'hono/html'
import type { Filter } from '../../../projections/listing.ts'
import { countsBy } from '../../../projections/listing.ts'
import { deadCommandCount, unconfirmedCounts } from '../../../projections/noctant/account-command.ts'
import { deadWebhookCount, findWebhookEndpoint, listWebhookEndpoints } from '../../../projections/noctant/webhook.ts'
import { type Asked, type Card, type Markup, tenantOf } from '../../pages/declaration.ts'
import { inWords, link, time } from '../../pages/markup.ts'
import { ownFilter } from '../../pages/things.ts'
import type { NoctantParts } from '../access.ts'
import { accountThings, challengeThings, payoutThings } from './things.ts'

type Noctant = Asked<NoctantParts>

const both = ['administrator', 'operator'] as const

type Counts = readonly { value: string | null; count: string }[]

/** Numbers that each lead to the list of what is counted. */
const countList = (counts: Counts, path: string, column: string): Markup =>
  html`<ul>${counts.map(
    ({ value, count }) =>
      html`<li>${link(`${count} ${inWords(value ?? 'none')}`, `/console${path}?${column}=${encodeURIComponent(value ?? '')}`)}</li>`,
  )}</ul>`

const accountsCard: Card<NoctantParts> = {
  ...{ title: 'Accounts', audience: both, scopes: ['accounts:read'] },
  async view(asked: Noctant) {
    const counts = await countsBy(
      asked.parts.db,
      accountThings.table,
      'sponsorship_status',
      ownFilter(accountThings, asked),
    )
    if (counts.length === 0) return { content: html`<p>No account has been opened.</p>` }
    return { content: countList(counts, accountThings.path, 'sponsorship_status') }
  },
}

const payoutsCard: Card<NoctantParts> = {
  ...{ title: 'Payouts that wait', audience: both, scopes: ['payouts:read'] },
  async view(asked: Noctant) {
    const open: Filter = { column: 'policy_status', is: 'equal', value: 'pending_review' }
    const filters = [...ownFilter(payoutThings, asked), open]
    const counts = await countsBy(asked.parts.db, payoutThings.table, 'policy_status', filters)
    return counts.length === 0 ? undefined : { content: countList(counts, payoutThings.path, 'policy_status') }
  },
}

const challengesCard: Card<NoctantParts> = {
  ...{ title: 'Challenges', audience: both, scopes: ['challenges:read'] },
  async view(asked: Noctant) {
    const counts = await countsBy(asked.parts.db, challengeThings.table, 'status', ownFilter(challengeThings, asked))
    return counts.length === 0 ? undefined : { content: countList(counts, challengeThings.path, 'status') }
  },
}

/** What was given up stays so until somebody retries or discards it. */
const deadLettersCard: Card<NoctantParts> = {
  ...{ title: 'Dead letters', audience: ['administrator'] },
  async view({ parts: { db } }: Noctant) {
    const [commands, webhooks] = await Promise.all([deadCommandCount(db), deadWebhookCount(db)])
    if (commands + webhooks === 0) return undefined
    const content = html`<p>Given up: ${link(`${commands} of the commands, ${webhooks} of the webhooks`, '/console/dead-letters')}.</p>
<p>docs/runbook.md: “opslog_dead_letter_commands is above 0”</p>`
    return { content, isWrong: true }
  },
}

/** An operator's own endpoint, or those of all for whoever runs the installation. */
const webhooksCard: Card<NoctantParts> = {
  ...{ title: 'Failing webhooks', audience: both, scopes: ['webhook_deliveries:read'] },
  async view({ parts: { db }, viewer }: Noctant) {
    const own = tenantOf(viewer)
    const endpoint = own === undefined ? undefined : await findWebhookEndpoint(db, own)
    const all = own === undefined ? await listWebhookEndpoints(db, ENDPOINTS_MAX) : endpoint ? [endpoint] : []
    const failing = all.filter(({ failing_since: since, enabled }) => since !== null || enabled === false)
    if (failing.length === 0) return undefined
    const content = html`<ul>${failing.map(
      ({ operator_id: id, url_origin, failing_since: since }) =>
        html`<li>${link(url_origin ?? id, `/console/webhook-endpoints/${id}`)} ${since === null ? 'is disabled' : html`fails since ${time(since)}`}</li>`,
    )}</ul>`
    return { content, isWrong: true }
  },
}

/** What is on its way to the engine. */
const commandsCard: Card<NoctantParts> = {
  ...{ title: 'Commands not confirmed', audience: ['administrator'] },
  async view({ parts: { db } }: Noctant) {
    const found = await unconfirmedCounts(db)
    return found.length === 0 ? undefined : { content: countList(found, '/commands', 'status') }
  },
}

/** More of them are on their page. */
const ENDPOINTS_MAX = 10

export const noctantCards: readonly Card<NoctantParts>[] = [
  ...[accountsCard, payoutsCard, challengesCard, commandsCard],
  ...[webhooksCard, deadLettersCard],
]
