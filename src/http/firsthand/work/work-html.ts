/** The hosted page in HTML. It reads and works without the script, but for choosing a file. */
import { html } from 'hono/html'
import type { JobFacts } from '../../../events/firsthand/job.ts'
import type { listWorkersClaims } from '../../../projections/firsthand/claim.ts'
import type { JobRow } from '../../../projections/firsthand/job.ts'
import type { EarningRow } from '../../../projections/firsthand/worker.ts'
import type { submissionView } from '../worker/views.ts'
import { WORK_PATH as WORK } from './work-session.ts'

type Markup = ReturnType<typeof html>
export type RecentClaim = Awaited<ReturnType<typeof listWorkersClaims>>[number]

/** `origins`: where the page may send files to, beside its own. */
export const policyOf = (...origins: string[]): string =>
  [
    "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ["connect-src 'self'", ...origins].join(' '),
  ].join('; ')

/** `1234` cents → `$12.34`. */
export const dollars = (cents: string | number | bigint): string => {
  const text = String(cents).padStart(3, '0')
  return `$${text.slice(0, -2)}.${text.slice(-2)}`
}

/** `2026-01-05 09:30 UTC`. */
const minutes = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`

interface Layout {
  title: string
  content: Markup
  /** The token of the forms of a worker who is signed in. */
  form?: string | undefined
  /** Seconds until the page loads itself again. */
  refreshS?: number | undefined
}

const layout = ({ title, content, form, refreshS }: Layout) => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="robots" content="noindex" />
    ${refreshS === undefined ? '' : html`<meta http-equiv="refresh" content="${refreshS}" />`}
    <title>${title}</title>
    <link rel="stylesheet" href="${WORK}/work.css" />
    <script src="${WORK}/work.js" defer></script>
  </head>
  <body>
    ${form === undefined ? '' : header(form)}
    <main><h1>${title}</h1>${content}</main>
  </body>
</html>`

const header = (form: string) => html`<header>
      <nav><a href="${WORK}">Jobs</a> <a href="${WORK}/earnings">Earnings</a></nav>
      ${button('/sign-out', form, 'Sign out', { isPlain: true })}
    </header>`

/** A form of one button; `fields` are sent with it. */
const button = (
  path: string,
  form: string,
  label: string,
  { isPlain = false, fields = {} as Record<string, string> } = {},
) =>
  html`<form method="post" action="${WORK}${path}">
    <input type="hidden" name="form" value="${form}" />
    ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
    <button class="${isPlain ? 'plain' : ''}">${label}</button>
  </form>`

const more = (path: string, cursor: string | null) =>
  cursor === null ? '' : html`<p><a href="${path}?cursor=${cursor}">Older ones</a></p>`

export const signInPage = (form: string, fault?: string) =>
  layout({
    title: 'Sign in to work',
    content: html`${fault === undefined ? '' : html`<p role="alert">${fault}</p>`}
      <form class="card" method="post" action="${WORK}/sign-in">
        <input type="hidden" name="form" value="${form}" />
        <label for="token">Your token</label>
        <input id="token" name="token" type="password" autocomplete="current-password" maxlength="200" required autofocus />
        <button>Sign in</button>
      </form>`,
  })

const stateOf = (
  { status, expires_at, submission_status, stars, attempt, newest_attempt }: RecentClaim,
  now: string,
) => {
  if (status === 'open') return expires_at > now ? `open until ${minutes(expires_at)}` : 'lapsed'
  if (status === 'released') return 'given back or lapsed'
  if (attempt !== newest_attempt) return 'tried again'
  const words = submission_status?.replaceAll('_', ' ') ?? 'submitted'
  return stars === null ? words : `${words}, ${stars} of 5 stars`
}

const claimItem = (claim: RecentClaim, now: string) => {
  const isOpen = claim.status === 'open' && claim.expires_at > now
  const isSubmitted = claim.status === 'submitted'
  const to = isOpen ? `claims/${claim.claim_id}` : `submissions/${claim.submission_id}`
  const label = isOpen ? 'Send the file' : 'See the result'
  return html`<li>${minutes(claim.claimed_at)}: ${stateOf(claim, now)}
    ${isOpen || isSubmitted ? html`<br /><a href="${WORK}/${to}">${label}</a>` : ''}</li>`
}

const jobItem = (job: JobRow, form: string, once: string) => html`<li>
    <p>${job.description}</p>
    <p class="soft">${job.accepted_formats.join(', ')} · files missing: ${job.files_needed - job.files_approved}</p>
    <p><strong>${dollars(job.worker_payout_per_file_cents)}</strong> for an approved file</p>
    ${button('/claims', form, 'Claim a seat', { fields: { job_id: job.job_id, once } })}
  </li>`

interface Overview {
  jobs: readonly JobRow[]
  nextCursor: string | null
  claims: readonly RecentClaim[]
  balanceCents: string
  now: string
  form: string
  /** A text that the same page sends with each try, so that a form sent twice claims one seat. */
  once: string
}

export const overviewPage = ({ jobs, nextCursor, claims, balanceCents, now, form, once }: Overview) =>
  layout({
    title: 'Jobs',
    form,
    content: html`<p>You are owed <strong>${dollars(balanceCents)}</strong>.</p>
      ${jobs.length === 0 ? html`<p>No job has a free seat at present.</p>` : ''}
      <ul>${jobs.map((job) => jobItem(job, form, once))}</ul>
      ${more(WORK, nextCursor)}
      <h2>Your latest claims</h2>
      ${claims.length === 0 ? html`<p>There are none.</p>` : ''}
      <ul>${claims.map((claim) => claimItem(claim, now))}</ul>`,
  })

interface OpenClaim {
  claimId: string
  expiresAt: string
  facts: JobFacts
  bytesMax: number
  form: string
}

/** Its script enables the button: a form that were sent before would be sent without the file. */
export const claimPage = ({ claimId, expiresAt, facts, bytesMax, form }: OpenClaim) => {
  const { acceptedFormats, description, workerPayoutPerFileCents } = facts
  const path = `/claims/${claimId}`
  return layout({
    title: 'Send a file',
    form,
    content: html`<p>${description}</p>
      <p class="soft">Until ${minutes(expiresAt)}, for ${dollars(workerPayoutPerFileCents)}, as
        ${acceptedFormats.join(', ')}, at most ${Math.floor(bytesMax / 1_048_576)} MiB.</p>
      <noscript><p role="alert">Sending a file needs JavaScript.</p></noscript>
      <form class="card drop" method="post" action="${WORK}${path}/submit" data-links="${WORK}${path}/uploads"
        data-formats="${acceptedFormats.join(' ')}" data-bytes-max="${bytesMax}">
        <input type="hidden" name="form" value="${form}" />
        <input type="hidden" name="upload_id" value="" />
        <label for="file">Choose a file, or drop it here</label>
        <input id="file" type="file" accept="${acceptedFormats.join(',')}" />
        <p role="status"></p>
        <progress max="1" value="0" aria-label="How much of the file is sent" hidden></progress>
        <button disabled>Send and submit</button>
      </form>
      ${button(`${path}/give-back`, form, 'Give the seat back', { isPlain: true })}`,
  })
}

/** How soon a result that is still to come is looked for again. */
const REFRESH_S = 5

export const submissionPage = (shown: ReturnType<typeof submissionView>, form: string, once: string) => {
  const { id, status, ai_star_rating: stars, ai_reasoning: reason, attempts_left, payout_cents } = shown
  const isPending = status === 'pending_score'
  const again = html`<p>Attempts left: ${attempts_left}.</p>
    ${button(`/submissions/${id}/retry`, form, 'Try again', { fields: { once } })}`
  return layout({
    title: isPending ? 'Your file is being scored' : 'Your result',
    form,
    refreshS: isPending ? REFRESH_S : undefined,
    content: html`<div class="card">
        <p>Status: <strong>${status.replaceAll('_', ' ')}</strong></p>
        ${stars === null ? '' : html`<p class="stars" role="img" aria-label="${stars} of 5 stars">${starsOf(stars)}</p>`}
        ${reason === null ? '' : html`<p>${reason}</p>`}
        ${payout_cents === null ? '' : html`<p>It earned <strong>${dollars(payout_cents)}</strong>.</p>`}
        ${isPending ? html`<p>This page looks again every ${REFRESH_S} seconds.</p>` : ''}
      </div>
      ${status === 'rejected' && attempts_left > 0 ? again : ''}`,
  })
}

const starsOf = (stars: number): string => '★'.repeat(stars) + '☆'.repeat(5 - stars)

interface Earnings {
  rows: readonly EarningRow[]
  nextCursor: string | null
  balanceCents: string
  approvedCount: number
  form: string
}

export const earningsPage = ({ rows, nextCursor, balanceCents, approvedCount, form }: Earnings) =>
  layout({
    title: 'Earnings',
    form,
    content: html`<p>You are owed <strong>${dollars(balanceCents)}</strong>. Approved files so far: ${approvedCount}.</p>
      <ul>${rows.map(
        ({ submission_id, amount_cents, created_at }) =>
          html`<li><strong>${dollars(amount_cents)}</strong> on ${minutes(created_at)}<br />
            <a href="${WORK}/submissions/${submission_id}">See the file’s result</a></li>`,
      )}</ul>
      ${more(`${WORK}/earnings`, nextCursor)}`,
  })

/** Why something was refused, and what the worker can do. */
export const refusalPage = (title: string, texts: readonly string[]) =>
  layout({
    title,
    content: html`<div role="alert">${texts.map((text) => html`<p>${text}</p>`)}</div>
      <p><a href="${WORK}">Back to the jobs</a></p>`,
  })

/** Where the buyer comes back to from the checkout. */
export const checkoutDonePage = () =>
  layout({
    title: 'Thank you',
    content: html`<p>The credits come as soon as the payment is through. You can close this page.</p>`,
  })
