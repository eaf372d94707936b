/**
 * The hosted page for workers, `/firsthand/work`, and the page that thanks a buyer. They stand beside the operations: they
 * are for people, so what goes wrong is a page as well. What they do is what the workers' API does, by the same commands.
 */
import { type Context, Hono } from 'hono'
import { headOf } from '../../access.ts'
import { hasMoreBody, rawBody, readableAddress, readBody } from '../../body.ts'
import { clientAddress } from '../../client-address.ts'
import { refuse, type SharedRuntime } from '../../context.ts'
import type { AppEnv, Runtime } from '../../environment.ts'
import { describeError, type ErrorEntry, Problem } from '../../errors.ts'
import { CALLERS_MAX, createWindow, limitRate, type RateClass, refuseBeyond } from '../../rate-limit.ts'
import type { FirsthandParts } from '../access.ts'
import { DONE_PATH } from '../billing/purchase-credits.ts'
import { errors } from '../errors.ts'
import { help } from '../help.ts'
import { type WorkerPrincipal, workerRate, workerVerifier } from '../worker/access.ts'
import { SCRIPT, STYLE } from './work-assets.ts'
import { checkoutDonePage, policyOf, refusalPage, signInPage } from './work-html.ts'
import { createSessions, WORK_PATH } from './work-session.ts'
import { type Answer, forms, type PageDeps, sendLink, views } from './work-steps.ts'

type PageContext = Context<AppEnv>

/** Forms are small: the largest field is the id of an upload. */
const FORM_MAX_BYTES = 16_384
const FORM_TYPE = 'application/x-www-form-urlencoded'

export function workPages(parts: FirsthandParts, runtime: SharedRuntime): Hono<AppEnv> {
  const { nowMs, limits, sealer, bounds } = runtime
  const { windowOf = () => createWindow({ keysMax: CALLERS_MAX, nowMs }) } = runtime
  const withinRate = limitRate(workerRate(parts) as RateClass, windowOf('firsthand.worker'))
  const failures = createWindow({ keysMax: CALLERS_MAX, nowMs })
  const verify = workerVerifier(parts)
  const sessions = createSessions(parts, runtime)
  const body = readBody(rawBody(FORM_TYPE), FORM_MAX_BYTES)
  const deps: PageDeps = { ...parts, runtime, sealer }
  const addressOf = (c: PageContext) => clientAddress(c, limits.trustProxy)

  const formOf = async (c: PageContext): Promise<URLSearchParams> => {
    c.get('exchange').releaseBody = bounds.holdBody(c, FORM_MAX_BYTES)
    return new URLSearchParams(Buffer.from(((await body(c)) ?? new Uint8Array()) as Uint8Array).toString('utf8'))
  }

  /** The worker of the browser's cookie; undefined where nobody is signed in. Throws a Problem for one who is suspended. */
  async function enter(c: PageContext) {
    const exchange = c.get('exchange')
    readableAddress(c)
    const session = sessions.read(c, 'worker')
    const verdict = session && (await verify(session.token, headOf(c)))
    if (verdict?.kind === 'valid') exchange.principal = verdict.principal
    withinRate(exchange, () => addressOf(c))
    if (verdict?.kind === 'refused') throw new Problem<string>(verdict.code, verdict.detail)
    if (!session || verdict?.kind !== 'valid' || (await sessions.hasEnded(session))) return undefined
    runtime.callers.learn(c.env?.incoming, verdict.principal.tenantId)
    return { session, principal: verdict.principal as WorkerPrincipal }
  }

  /** A page of a worker who is signed in; others are shown where to sign in. */
  const page = (answer: Answer) => async (c: PageContext) => {
    const signed = await enter(c)
    if (!signed) return signIn(c)
    const { session, principal } = signed
    return answer(c, { ...deps, principal, session, form: sessions.formToken(session), fields: new URLSearchParams() })
  }

  /** What a form of such a page does. */
  const form = (answer: Answer) => async (c: PageContext) => {
    const signed = await enter(c)
    if (!signed) throw new Problem('credential_missing', 'Sign in first.')
    const fields = await formOf(c)
    sessions.requireOwnForm(c, signed.session, fields.get('form'))
    return answer(c, { ...deps, ...signed, form: '', fields })
  }

  function signIn(c: PageContext, fault?: string) {
    const visitor = sessions.read(c, 'visitor') ?? sessions.open(c, 'visitor')
    return c.html(signInPage(sessions.formToken(visitor), fault), fault === undefined ? 200 : 401)
  }

  /** Takes the worker's token. Wrong ones are counted by the address that they come from. */
  async function takeToken(c: PageContext) {
    await enter(c)
    const fields = await formOf(c)
    sessions.requireOwnForm(c, sessions.read(c, 'visitor'), fields.get('form'))
    const token = fields.get('token')?.trim() ?? ''
    const verdict = await verify(token, headOf(c))
    if (verdict.kind === 'refused') throw new Problem<string>(verdict.code, verdict.detail)
    if (verdict.kind === 'invalid') {
      const counted = failures.add(addressOf(c))
      const refusal = refuseBeyond(limits.authFailuresPerMinuteMax, counted, 'Too many wrong tokens from this address.')
      if (refusal) throw refusal
      return signIn(c, 'The token is unknown, mistyped or revoked.')
    }
    sessions.close(c, 'visitor')
    sessions.open(c, 'worker', token)
    return c.redirect(WORK_PATH, 303)
  }

  const app = new Hono<AppEnv>()
  app.onError((error, c) => refused(c, error, runtime))
  for (const path of [WORK_PATH, `${WORK_PATH}/*`, DONE_PATH]) {
    app.use(path, async (c, next) => {
      const { headers } = c.get('exchange')
      headers['content-security-policy'] = policyOf()
      headers['cache-control'] = 'no-store'
      headers['referrer-policy'] = 'no-referrer'
      headers['cross-origin-opener-policy'] = 'same-origin'
      await next()
    })
  }
  app.get(DONE_PATH, (c) => c.html(checkoutDonePage()))
  app.get(`${WORK_PATH}/work.css`, (c) => c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }))
  app.get(`${WORK_PATH}/work.js`, (c) => c.body(SCRIPT, 200, { 'content-type': 'text/javascript; charset=utf-8' }))
  app.post(`${WORK_PATH}/sign-in`, takeToken)
  const signOut: Answer = async (c, { session }) => {
    await sessions.end(c, session)
    return c.redirect(WORK_PATH, 303)
  }
  for (const [path, answer] of Object.entries(views)) app.get(WORK_PATH + path, page(answer))
  for (const [path, answer] of Object.entries({ ...forms, '/sign-out': signOut }))
    app.post(WORK_PATH + path, form(answer))
  // The script asks for it, and reads refusals as the API has them.
  app.post(`${WORK_PATH}/claims/:claim/uploads`, (c) =>
    form(sendLink)(c).catch((error: unknown) => refuse(c.get('exchange'), error, errors, runtime)),
  )
  app.all(`${WORK_PATH}/*`, (c) => {
    throw new Problem('route_not_found', `There is nothing at ${c.req.path}.`)
  })
  return app
}

/** The page that says what was refused. */
function refused(c: PageContext, error: unknown, { log, isUnavailable }: Runtime) {
  const { code, detail, headers = {} } = describeError(error, isUnavailable)
  const exchange = c.get('exchange')
  const entries: Readonly<Record<string, ErrorEntry>> = errors.codes
  const { status, title, retryAfterS } = entries[code] ?? errors.codes.internal_error
  const fields = { requestId: exchange.requestId, err: error }
  if (status === 500) log.error(fields, 'a hosted page failed')
  else if (status === 503) log.warn(fields, 'a hosted page could not be shown')
  if (retryAfterS !== undefined) c.header('retry-after', String(retryAfterS))
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  if (c.env?.incoming && hasMoreBody(c.env.incoming)) c.header('connection', 'close')
  const advice: Readonly<Partial<Record<string, string>>> = help
  return c.html(refusalPage(title, [detail, advice[code] ?? ''].filter(Boolean)), status)
}
