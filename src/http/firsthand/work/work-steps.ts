/** What a worker who is signed in sees and does on the hosted page, by the address under `/firsthand/work`. */
import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { claimRetry, claimSeat, openClaimOf } from '../../../commands/firsthand/claiming.ts'
import { job, jobNotFound } from '../../../commands/firsthand/job.ts'
import { Rejected } from '../../../commands/firsthand/rejection.ts'
import { submissionNotFound } from '../../../commands/firsthand/submission.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { commandIdOf, fingerprintOf } from '../../../commands/identity.ts'
import { listWorkersClaims } from '../../../projections/firsthand/claim.ts'
import { type JobRow, listWorkersJobs } from '../../../projections/firsthand/job.ts'
import { type EarningRow, findWorkerBalance, listEarnings } from '../../../projections/firsthand/worker.ts'
import { isPrefixedId } from '../../../runtime/ulid.ts'
import type { Handled } from '../../answers.ts'
import { plainCommand } from '../../command.ts'
import type { Sealer } from '../../cursor.ts'
import type { AppEnv, Runtime } from '../../environment.ts'
import { invalid } from '../../errors.ts'
import type { Paging } from '../../paging.ts'
import type { FirsthandParts } from '../access.ts'
import { newestFirst } from '../schemas.ts'
import { WORKERS_ENVIRONMENT as environment, type WorkerPrincipal } from '../worker/access.ts'
import { ownClaim, ownSubmission } from '../worker/own.ts'
import { bytesMaxOf } from '../worker/upload-limits.ts'
import { declaration, linkFor, submitFor } from '../worker/uploads.ts'
import { claimView, postedJobOf, submissionView } from '../worker/views.ts'
import { claimPage, earningsPage, overviewPage, policyOf, submissionPage } from './work-html.ts'
import { type Session, WORK_PATH } from './work-session.ts'

type PageContext = Context<AppEnv>

export interface PageDeps extends FirsthandParts {
  runtime: Runtime
  sealer: Sealer
}

export interface Asked extends PageDeps {
  principal: WorkerPrincipal
  session: Session
  /** The token for the forms of the page. */
  form: string
  /** Of the form that was sent. */
  fields: URLSearchParams
}

export type Answer = (c: PageContext, asked: Asked) => Promise<Response>

const CLAIMS_SHOWN_MAX = 10
const ONCE_MAX = 100

/** The id in the address; anything that is none is refused like what does not exist. */
function idOf(c: PageContext, prefix: string, param: string, missing: () => Error): string {
  const id = c.req.param(param) ?? ''
  if (!isPrefixedId(prefix, id)) throw missing()
  return id
}
const claimIdOf = (c: PageContext) =>
  idOf(c, 'clm', 'claim', () => new Rejected('claim_not_found', 'There is no such claim.'))
const submissionIdOf = (c: PageContext) => idOf(c, 'sub', 'submission', submissionNotFound)

/** The context of a form's command. With `once` the form has an effect once, however often it is sent. */
function commandOf(c: PageContext, { principal, clock, fields }: Asked, action: string, scope = ''): CommandContext {
  const { requestId } = c.get('exchange')
  const caller = { requestId, header: (name: string) => c.req.header(name) }
  const once = fields.get('once') ?? ''
  if (once === '' || once.length > ONCE_MAX) return plainCommand({ principal, caller, clock })
  const key = { context: 'firsthand', operatorId: principal.workerId, environment, action, scope, key: once }
  const command = plainCommand({ principal, caller, clock }, commandIdOf(key))
  return { ...command, fingerprint: fingerprintOf({ action, scope, request: {} }) }
}

/** Goes on to this page once the read models show what was done. */
async function goOn(c: PageContext, { waiter, runtime }: Asked, { position }: Handled, path: string) {
  if (position !== undefined) await waiter.waitFor(position, runtime.limits.readYourWritesWaitMs)
  return c.redirect(WORK_PATH + path, 303)
}

type Before = Record<string, string> | undefined

/** The page of a list that the address asks for. */
async function pageOf<Row, After extends Before, Found extends { rows: Row[]; nextCursor: string | null }>(
  c: PageContext,
  { sealer, principal }: Asked,
  list: string,
  paging: Paging<Row, After, Found>,
  rowsOf: (page: { before: After; limit: number }) => Promise<Row[]>,
): Promise<Found> {
  const identity = { caller: [principal.workerId], list, filters: {}, sealer }
  const asked = paging.read({ cursor: c.req.query('cursor')?.slice(0, 1_000) }, identity)
  const rows = await rowsOf({ before: asked.after, limit: asked.limit + 1 })
  return paging.page(rows.slice(0, asked.limit), rows.length > asked.limit, asked, identity)
}

const jobPaging = newestFirst<JobRow, 'job_id'>('job_id')
const earningPaging = newestFirst<EarningRow, 'submission_id'>('submission_id')

const showOverview: Answer = async (c, asked) => {
  const { db, claimLimits, clock, form } = asked
  const { workerId } = asked.principal
  const [jobs, claims, balance] = await Promise.all([
    pageOf(c, asked, 'work page jobs', jobPaging, (page) => listWorkersJobs(db, claimLimits.openSeatsMax, page)),
    listWorkersClaims(db, workerId, CLAIMS_SHOWN_MAX),
    findWorkerBalance(db, workerId),
  ])
  const { rows, nextCursor } = jobs
  const owed = { balanceCents: String(balance?.balance_cents ?? 0), now: clock().toISOString() }
  return c.html(overviewPage({ jobs: rows, nextCursor, claims, ...owed, form, once: randomUUID() }))
}

const showEarnings: Answer = async (c, asked) => {
  const { db, form } = asked
  const { workerId } = asked.principal
  const [{ rows, nextCursor }, balance] = await Promise.all([
    pageOf(c, asked, 'work page earnings', earningPaging, (page) => listEarnings(db, workerId, page)),
    findWorkerBalance(db, workerId),
  ])
  const owed = { balanceCents: String(balance?.balance_cents ?? 0), approvedCount: balance?.approved_count ?? 0 }
  return c.html(earningsPage({ rows, nextCursor, ...owed, form }))
}

const showClaim: Answer = async (c, { db, bus, objects, clock, principal, form }) => {
  const claim = await ownClaim(db, principal, claimIdOf(c))
  if (claim.status === 'submitted') return c.redirect(`${WORK_PATH}/submissions/${claim.submission_id}`, 303)
  const state = postedJobOf(await bus.current(job, claim.job_id))
  const now = clock()
  const { expiresAt } = openClaimOf(state, claim.claim_id, now.toISOString())
  const { acceptedFormats } = state.facts
  // A link that nobody is given says where links lead to: a bucket has an origin of its own.
  const [contentType = 'image/png'] = acceptedFormats
  const link = objects.putLink({ key: 'uploads/page', contentType, sizeBytes: 1, expiresAt: new Date(expiresAt) })
  const open = { claimId: claim.claim_id, expiresAt, facts: state.facts, form }
  c.get('exchange').headers['content-security-policy'] = policyOf(new URL(link.url).origin)
  return c.html(claimPage({ ...open, bytesMax: Math.max(...acceptedFormats.map(bytesMaxOf)) }))
}

const showSubmission: Answer = async (c, { db, principal, form }) => {
  const shown = submissionView(await ownSubmission(db, principal, submissionIdOf(c)))
  return c.html(submissionPage(shown, form, randomUUID()))
}

const claimOne: Answer = async (c, asked) => {
  const { bus, principal, claimLimits, fields } = asked
  const jobId = fields.get('job_id') ?? ''
  if (!isPrefixedId('job', jobId)) throw jobNotFound()
  const command = commandOf(c, asked, 'workPageClaim', jobId)
  const handled = await claimSeat(bus, { jobId, workerId: principal.workerId, environment }, claimLimits, command)
  return goOn(c, asked, handled, `/claims/${claimView(handled).id}`)
}

const giveBack: Answer = async (c, asked) => {
  const { bus, db, principal } = asked
  const { claim_id: claimId, job_id } = await ownClaim(db, principal, claimIdOf(c))
  const command = commandOf(c, asked, 'workPageGiveBack')
  const release = { kind: 'release', cause: 'given_back', claimId, at: command.at } as const
  return goOn(c, asked, await bus.handle(job, job_id, release, command), '')
}

const submitFile: Answer = async (c, asked) => {
  const command = commandOf(c, asked, 'workPageSubmit')
  const { shown, handled } = await submitFor({ ...asked, command }, claimIdOf(c), asked.fields.get('upload_id') ?? '')
  return goOn(c, asked, handled, `/submissions/${shown.submission_id}`)
}

const tryAgain: Answer = async (c, asked) => {
  const { bus, db, principal, claimLimits } = asked
  const { submission_id: submissionId, job_id: jobId } = await ownSubmission(db, principal, submissionIdOf(c))
  const of = { jobId, workerId: principal.workerId, submissionId }
  const handled = await claimRetry(bus, of, claimLimits, commandOf(c, asked, 'workPageRetry', submissionId))
  return goOn(c, asked, handled, `/claims/${claimView(handled).id}`)
}

/** A link for the script to send the file to, as the API answers it. */
export const sendLink: Answer = async (c, asked) => {
  const { fields } = asked
  const [content_type, size_bytes] = [fields.get('content_type'), Number(fields.get('size_bytes'))]
  const declared = declaration.safeParse({ content_type, size_bytes, filename: fields.get('filename') ?? undefined })
  if (!declared.success) {
    const [fault] = declared.error.issues
    throw invalid(`/${fault?.path.join('/')}`, fault?.code ?? 'invalid', `The file does not fit: ${fault?.message}.`)
  }
  const command = commandOf(c, asked, 'workPageLink')
  const { uploadId: upload_id, url, headers } = await linkFor({ ...asked, command }, claimIdOf(c), declared.data)
  return c.json({ upload_id, method: 'PUT', url, headers }, 201)
}

export const views: Readonly<Record<string, Answer>> = {
  '': showOverview,
  '/earnings': showEarnings,
  '/claims/:claim': showClaim,
  '/submissions/:submission': showSubmission,
}

export const forms: Readonly<Record<string, Answer>> = {
  '/claims': claimOne,
  '/claims/:claim/give-back': giveBack,
  '/claims/:claim/submit': submitFile,
  '/submissions/:submission/retry': tryAgain,
}
