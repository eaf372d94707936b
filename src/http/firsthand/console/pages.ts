/** Firsthand’s pages in the console: what was asked for, what came in, and what was paid. */
import { html } from 'hono/html'
import { jobs } from '../../../projections/firsthand/job.ts'
import { organizations } from '../../../projections/firsthand/organization.ts'
import { purchases } from '../../../projections/firsthand/purchase.ts'
import { submissions } from '../../../projections/firsthand/submission.ts'
import { transactions } from '../../../projections/firsthand/wallet.ts'
import { workers } from '../../../projections/firsthand/worker.ts'
import type { Table } from '../../../projections/projection.ts'
import type { ContextConsole } from '../../pages/declaration.ts'
import type { ListOf } from '../../pages/list.ts'
import { link, pathOf, section, shortId, state, time } from '../../pages/markup.ts'
import { plainPages } from '../../pages/plain-pages.ts'
import { figure, rowsTable } from '../../pages/table.ts'
import { finderOf, rowsOf } from '../../pages/things.ts'
import { consoleSignIn, type FirsthandParts } from '../access.ts'
import { showFigures } from './figures.ts'

/** Of one job. */
const SUBMISSIONS_SHOWN_MAX = 100

const list = <T extends Table>(of: ListOf<T>): ListOf<T> => of
const ofOrganization = { name: 'organization_id', label: 'Organization id' } as const
const environment = { name: 'environment', choices: ['test', 'live'] } as const
const toJob = (id: string) => pathOf('firsthand', 'jobs', id)

const jobList = list({
  ...{ table: jobs, kind: 'job', kinds: 'jobs', tenant: 'organization_id', id: 'job_id', at: 'created_at' },
  path: '/firsthand/jobs',
  nameOf: ({ job_id }) => job_id,
  columns: [
    { name: 'job_id', label: 'Job' },
    { name: 'type' },
    { name: 'description', label: 'What' },
    { name: 'status', label: 'Status' },
    { name: 'files_approved', label: 'Approved', isFigure: true },
    { name: 'files_needed', label: 'Needed', isFigure: true },
    { name: 'open_seats', label: 'Open seats', isFigure: true },
    { name: 'total_cost_cents', label: 'Held, cents', isFigure: true },
    { name: 'environment' },
    { name: 'created_at', label: 'Posted' },
  ],
  filters: [
    { name: 'status', choices: ['open', 'in_progress', 'completed', 'cancelled'] },
    environment,
    { name: 'type' },
    ofOrganization,
  ],
  empty: { says: 'No job was posted.', command: 'opslog firsthand --help' },
})

const submissionList = list({
  ...{ table: submissions, kind: 'submission', kinds: 'submissions', tenant: 'organization_id', at: 'created_at' },
  id: 'submission_id',
  path: '/firsthand/submissions',
  nameOf: ({ submission_id }) => submission_id,
  columns: [
    { name: 'submission_id', label: 'Submission' },
    { name: 'job_id', label: 'Job', show: ({ job_id }) => shortId(job_id, toJob(job_id)) },
    { name: 'worker_id', label: 'Worker' },
    { name: 'status', label: 'Status' },
    { name: 'stars', isFigure: true },
    { name: 'reason' },
    { name: 'payout_cents', label: 'Earned, cents', isFigure: true },
    { name: 'created_at', label: 'Came in' },
  ],
  filters: [
    { name: 'status' },
    environment,
    { name: 'job_id', label: 'Job id' },
    { name: 'worker_id', label: 'Worker id' },
  ],
  empty: { says: 'Nothing was submitted.' },
})

const ledgerList = list({
  ...{ table: transactions, kind: 'transaction', kinds: 'transactions', tenant: 'organization_id', at: 'created_at' },
  id: 'transaction_id',
  path: '/firsthand/ledger',
  nameOf: ({ transaction_id }) => transaction_id,
  columns: [
    { name: 'transaction_id', label: 'Transaction' },
    { name: 'type' },
    { name: 'description', label: 'What' },
    { name: 'amount_cents', label: 'Cents', isFigure: true },
    { name: 'running_balance_cents', label: 'Balance, cents', isFigure: true },
    { name: 'organization_id', label: 'Organization' },
    { name: 'environment' },
    { name: 'created_at', label: 'At' },
  ],
  filters: [{ name: 'type' }, environment, ofOrganization, { name: 'job_id', label: 'Job id' }],
  empty: { says: 'Nothing was paid.' },
})

const purchaseList = list({
  ...{ table: purchases, kind: 'purchase', kinds: 'purchases', tenant: 'organization_id', at: 'started_at' },
  ...{ id: 'session_id', aliases: ['purchase_id'] },
  path: '/firsthand/purchases',
  nameOf: ({ purchase_id }) => purchase_id,
  columns: [
    { name: 'purchase_id', label: 'Purchase' },
    { name: 'status', label: 'Status' },
    { name: 'amount_cents', label: 'Cents', isFigure: true },
    { name: 'reversed_cents', label: 'Paid back, cents', isFigure: true },
    { name: 'is_credited', label: 'Credited' },
    { name: 'organization_id', label: 'Organization' },
    { name: 'environment' },
    { name: 'started_at', label: 'Began' },
  ],
  filters: [{ name: 'status' }, environment, ofOrganization],
  empty: { says: 'Nothing was bought.' },
})

/** What is personal of them stays out of lists. */
const workerList = list({
  ...{ table: workers, kind: 'worker', kinds: 'workers', tenant: undefined, id: 'worker_id', at: 'created_at' },
  path: '/firsthand/workers',
  nameOf: ({ worker_id }) => worker_id,
  columns: [
    { name: 'worker_id', label: 'Worker' },
    { name: 'status', label: 'Status' },
    { name: 'synthetic', label: 'Of the sandbox' },
    { name: 'created_at', label: 'Registered' },
  ],
  filters: [{ name: 'status', choices: ['active', 'suspended', 'forgotten'] }],
  empty: { says: 'Nobody works here yet.' },
})

const organizationList = list({
  ...{ table: organizations, kind: 'organization', kinds: 'organizations', tenant: undefined, at: 'created_at' },
  id: 'organization_id',
  path: '/firsthand/organizations',
  nameOf: ({ name }) => name,
  columns: [
    { name: 'name' },
    { name: 'organization_id', label: 'Organization' },
    { name: 'tier' },
    { name: 'status', label: 'Status' },
    { name: 'created_at', label: 'Created' },
  ],
  filters: [
    { name: 'status', choices: ['active', 'suspended'] },
    { name: 'name', is: 'begins' },
  ],
  empty: { says: 'Nobody has registered.' },
})

export const firsthandConsole: ContextConsole<FirsthandParts> = {
  title: 'Firsthand',
  signIn: consoleSignIn,
  pages: [
    ...plainPages({
      list: jobList,
      title: 'Jobs',
      scopes: ['jobs:read'],
      async more(asked, { job_id }) {
        const of = { at: 'created_at', of: ['job_id', job_id], limit: SUBMISSIONS_SHOWN_MAX } as const
        const rows = await rowsOf(asked, submissions, of)
        return section(
          'Submissions',
          rowsTable('Submissions', rows, 'Nothing was submitted.', [
            {
              name: 'submission_id',
              label: 'Submission',
              show: (row) => shortId(row.submission_id, pathOf('firsthand', 'submissions', row.submission_id)),
            },
            { name: 'status', label: 'Status', show: ({ status }) => state(status) },
            figure('stars', 'Stars', ({ stars }) => stars),
            { name: 'reason', label: 'The inspector’s reason', show: ({ reason }) => html`${reason ?? ''}` },
            { name: 'created_at', label: 'Came in', show: ({ created_at }) => time(created_at) },
          ]),
        )
      },
    }),
    ...plainPages({
      list: submissionList,
      title: 'Submissions',
      scopes: ['jobs:read'],
      show: ({ job_id }) => ({ job_id: html`${job_id} ${link('Show the job', toJob(job_id))}` }),
    }),
    ...plainPages({ list: ledgerList, title: 'Ledger', scopes: ['jobs:read'] }),
    ...plainPages({ list: purchaseList, title: 'Purchases', scopes: ['jobs:read'] }),
    ...plainPages({ list: workerList, title: 'Workers', without: ['email', 'name'] }),
    ...plainPages({ list: organizationList, title: 'Organizations' }),
    {
      path: '/firsthand/figures',
      title: 'Figures',
      group: 'operate',
      audience: ['administrator', 'operator'],
      scopes: ['jobs:read'],
      view: showFigures,
    },
  ],
  finders: [jobList, submissionList, ledgerList, purchaseList, workerList, organizationList].map((each) =>
    finderOf(each as never),
  ),
}
