/**
 * The hosted side of a launch. Following the link (GET) changes nothing, so that link checkers and previews do not use it
 * up. The page sends a form (POST), which redeems the link, gives the browser a session and sends it on to the terminal. These pages are for people: what goes wrong is a page as well.
 */
import { randomUUID } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { commandContext } from '../../../commands/context.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { launchSession, launchSessionIdOf, redemptionRefusal } from '../../../commands/noctant/launch-session.ts'
import { redeemLaunch } from '../../../commands/noctant/launching.ts'
import { operator } from '../../../commands/noctant/operator.ts'
import { findBrowserSession } from '../../../projections/noctant/launch-session.ts'
import { hashSecret, isSecret, newSecret } from '../../../runtime/secret.ts'
import { clientAddress } from '../../client-address.ts'
import type { AppEnv, Runtime } from '../../environment.ts'
import { describeError, type ErrorEntry } from '../../errors.ts'
import { hostedCookie } from '../../hosted-cookie.ts'
import { createWindow } from '../../rate-limit.ts'
import type { NoctantParts } from '../access.ts'
import { errors } from '../errors.ts'
import { launchPage, PAGE_POLICY, problemPage, terminalPage } from './launch-html.ts'

/** What the pages work with: the context's parts, and what all contexts share. */
interface Deps extends Pick<NoctantParts, 'bus' | 'db' | 'clock' | 'waiter' | 'launch'> {
  runtime: Runtime
}

const COOKIE = 'noctant_terminal'
const TERMINAL = '/terminal'
/** Client addresses that are counted at the same time. */
const ADDRESSES_MAX = 20_000
/** Browsers keep no cookie longer (RFC 6265bis). */
const COOKIE_AGE_MAX_S = 34_560_000

export type LaunchPagesParts = Omit<Deps, 'runtime'> & Pick<NoctantParts, 'hostedPagesPerMinuteMax'>

/** The pages under /launch and /terminal. Links cannot be guessed, but each guess would cost a look into the log. */
export function launchPages({ hostedPagesPerMinuteMax, ...parts }: LaunchPagesParts, runtime: Runtime): Hono<AppEnv> {
  const deps = { ...parts, runtime }
  const { nowMs, limits } = runtime
  const app = new Hono<AppEnv>()
  app.onError((error, c) => failure(c, error, runtime))
  const used = createWindow({ keysMax: ADDRESSES_MAX, nowMs })
  for (const path of ['/launch/*', `${TERMINAL}/*`]) {
    app.use(path, async (c, next) => {
      c.header('content-security-policy', PAGE_POLICY)
      c.header('cache-control', 'no-store')
      c.header('referrer-policy', 'no-referrer')
      const { count, resetMs } = used.add(clientAddress(c, limits.trustProxy))
      if (count <= hostedPagesPerMinuteMax) return next()
      c.header('retry-after', String(Math.ceil(resetMs / 1_000)))
      return refusalPage(c, 'rate_limit_exceeded', null)
    })
  }
  app.get('/launch/:token', (c) => show(c, deps))
  app.post('/launch/:token', (c) => redeem(c, deps))
  app.get(TERMINAL, (c) => terminal(c, deps))
  app.get(`${TERMINAL}/*`, (c) => terminal(c, deps))
  return app
}

type PageContext = Context<AppEnv>

/** What the link can be used for, without using it. */
async function show(c: PageContext, { bus, clock }: Deps) {
  const token = c.req.param('token') ?? ''
  if (!isSecret(token)) return refusalPage(c, 'launch_session_not_found', null)
  const launch = await bus.current(launchSession, launchSessionIdOf(hashSecret(token)))
  const refusal = redemptionRefusal(launch, clock().toISOString())
  if (refusal || launch.status === 'absent') {
    const wayBack = launch.status === 'absent' ? null : originOf(launch.facts.returnUrl)
    return refusalPage(c, refusal?.code ?? 'launch_session_not_found', wayBack)
  }
  const tenant = await bus.load(operator, launch.facts.operatorId)
  return c.html(launchPage(tenant.status === 'absent' ? '' : tenant.facts.name))
}

async function redeem(c: PageContext, { bus, clock, waiter, launch: settings, runtime }: Deps) {
  const { readYourWritesWaitMs: waitMs, trustProxy } = runtime.limits
  const token = c.req.param('token') ?? ''
  if (!isSecret(token)) return refusalPage(c, 'launch_session_not_found', null)
  // The form stands on our own page; a form on another site has no business here.
  const site = c.req.header('sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return c.html(problemPage('Open the link itself', 'This page cannot be opened from another site.', null), 403)
  }
  const tokenHash = hashSecret(token)
  const launch = await bus.load(launchSession, launchSessionIdOf(tokenHash))
  if (launch.status === 'absent') return refusalPage(c, 'launch_session_not_found', null)
  const now = clock()
  const secret = newSecret()
  const browserSession = {
    browserSessionHash: hashSecret(secret),
    browserSessionExpiresAt: new Date(now.getTime() + settings.browserSessionTtlMs).toISOString(),
  }
  const { globalUserId, requestedRoute, returnUrl } = launch.facts
  const context = traderContext(c, globalUserId, now)
  try {
    const { position } = await redeemLaunch(bus, { tokenHash, ...browserSession }, context)
    if (position !== undefined) await waiter.waitFor(position, waitMs)
  } catch (error) {
    const { code } = describeError(error, runtime.isUnavailable)
    if (!(code in refusals)) throw error
    return refusalPage(c, code, originOf(returnUrl))
  }
  const { name, ...where } = cookieOf(c, settings.publicUrl, trustProxy)
  setCookie(c, name, secret, {
    ...where,
    httpOnly: true,
    sameSite: 'Lax',
    maxAge: Math.min(Math.floor(settings.browserSessionTtlMs / 1_000), COOKIE_AGE_MAX_S),
  })
  return c.redirect(`${TERMINAL}/${requestedRoute.replace(/^\//, '')}`, 303)
}

async function terminal(c: PageContext, { db, clock, launch, runtime }: Deps) {
  const secret = getCookie(c, cookieOf(c, launch.publicUrl, runtime.limits.trustProxy).name)
  const known = secret !== undefined && isSecret(secret)
  const session = known ? await findBrowserSession(db, hashSecret(secret), clock().toISOString()) : undefined
  if (!session) {
    const text = 'Open the terminal with a new link from your provider.'
    return c.html(problemPage('You are not signed in', text, null), 401)
  }
  if (session.operator_status !== 'active') return refusalPage(c, 'launch_session_withdrawn', session.return_url)
  return c.html(terminalPage(session))
}

const traderContext = (c: PageContext, globalUserId: string, now: Date): CommandContext => {
  const { requestId } = c.get('exchange')
  return commandContext({ kind: 'trader', id: globalUserId }, randomUUID(), now.toISOString(), { requestId })
}

/**
 * The way back from a link that opens nothing any more. Path and query of the return URL may hold secrets of its owner,
 * and anybody who finds the link sees this page: so the origin alone.
 */
const originOf = (returnUrl: string | null): string | null => (returnUrl === null ? null : new URL(returnUrl).origin)

const cookieOf = (c: PageContext, publicUrl: string | undefined, trustProxy: boolean) =>
  hostedCookie(c, { name: COOKIE, path: TERMINAL }, publicUrl, trustProxy)

interface RefusalText {
  status: ContentfulStatusCode
  title: string
  text: string
}

/** What these pages say to people; a link that was good once is gone, not missing. */
const refusals: Readonly<Partial<Record<string, RefusalText>>> = {
  launch_session_not_found: {
    status: 404,
    title: 'This link does not exist',
    text: 'Check that it was copied whole, or ask your provider for a new one.',
  },
  launch_session_redeemed: {
    status: 410,
    title: 'This link has been used',
    text: 'It works once. Ask your provider for a new one.',
  },
  launch_session_expired: {
    status: 410,
    title: 'This link has expired',
    text: 'It works for a few minutes only. Ask your provider for a new one.',
  },
  launch_session_withdrawn: {
    status: 410,
    title: 'This link is not available any more',
    text: 'The account or its provider has been closed meanwhile.',
  },
}

function refusalPage(c: PageContext, code: string, returnUrl: string | null) {
  const entries: Readonly<Record<string, ErrorEntry>> = errors.codes
  const { status, title } = entries[code] ?? errors.codes.internal_error
  const { text, ...own } = refusals[code] ?? { text: 'Try again in a moment.' }
  const shown = { status, title, ...own }
  return c.html(problemPage(shown.title, text, returnUrl), shown.status)
}

function failure(c: PageContext, error: unknown, { log, isUnavailable }: Runtime) {
  const { code } = describeError(error, isUnavailable)
  const fields = { requestId: c.get('exchange').requestId, err: error }
  if (code === 'internal_error') log.error(fields, 'a hosted page failed')
  else log.warn(fields, 'a hosted page could not be shown')
  return refusalPage(c, code, null)
}
