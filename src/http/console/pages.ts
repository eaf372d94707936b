/**
 * The console under `/console`: what every request goes through first, ways in and out, and the pages that contexts
 * declare. These pages are for people: what goes wrong is a page as well.
 */
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import type { SharedRuntime } from '../context.ts'
import type { AppEnv } from '../environment.ts'
import { Problem } from '../errors.ts'
import type { ConsoleParts } from './access.ts'
import { addDeclared } from './declared-pages.ts'
import { createFraming, noteViewer } from './framing.ts'
import { createLooking, type PageContext, requireActing } from './looking.ts'
import { requireOwnForm } from './own-forms.ts'
import { PAGE_POLICY, page } from './page.ts'
import { preferencesOf, remember } from './preferences.ts'
import { createSessions } from './session.ts'
import { createSignIn, enterForm, goodTarget, signInAddress, signInForm } from './sign-in.ts'
import { staticFiles } from './static-files.ts'

const HEADERS = {
  'content-security-policy': PAGE_POLICY,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
} as const

export function consolePages(parts: ConsoleParts, runtime: SharedRuntime): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  if (!parts.isOn) return app
  const declared = runtime.consoles
  keepSampling(parts, runtime)
  const sessions = createSessions(parts, runtime, declared)
  const looking = createLooking(runtime, sessions, parts)
  const signIn = createSignIn(parts, runtime, declared, sessions)
  const framing = createFraming(parts, runtime, declared)

  app.onError((error, c) => framing.refused(c, error))
  const withHeaders = async (c: Context<AppEnv>, next: () => Promise<void>) => {
    Object.assign(c.get('exchange').headers, HEADERS)
    if (c.req.method === 'POST') requireOwnForm(c, parts.publicUrl)
    await next()
  }
  app.route('/', staticFiles())
  for (const path of ['/console', '/console/*']) app.use(path, withHeaders)
  addWaysIn(app, { signIn, looking, framing })

  const signOut = (leave: typeof sessions.signOut) => async (c: PageContext) => {
    const viewer = await looking.viewer(c)
    if (viewer) await leave(c, viewer)
    return c.redirect('/console/sign-in', 303)
  }
  app.post('/console/sign-out', signOut(sessions.signOut))
  app.post('/console/sign-out/everywhere', signOut(sessions.signOutEverywhere))
  app.post('/console/preferences', async (c) => {
    const viewer = await looking.viewer(c)
    const form = await looking.form(c)
    const to = goodTarget(form.get('to'))
    // The form has no page of its own that a sign-in could lead back to.
    if (!viewer) return c.redirect(signInAddress(to), 303)
    remember(c, form)
    return c.redirect(to, 303)
  })

  addDeclared(app, { parts, runtime, declared, looking, framing, sessions })
  app.all('/console/*', async (c) => {
    const viewer = await looking.viewer(c)
    if (!viewer) return framing.toSignIn(c)
    noteViewer(c, viewer)
    if (c.req.method === 'POST') requireActing(viewer)
    throw new Problem('route_not_found', 'There is no such page, or none for you.')
  })
  return app
}

/** Of one second each; a sample that takes longer leaves out those that would come meanwhile. */
const SAMPLE_MS = 1_000

function keepSampling({ samples, db, store, clock, readModels, onDrain }: ConsoleParts, runtime: SharedRuntime): void {
  const contexts = readModels().flatMap(({ name, projections }) => (projections.length > 0 ? name : []))
  let isTaking = false
  let hasFailed = false
  const take = async () => {
    if (isTaking) return
    isTaking = true
    try {
      await samples.take({ runtime, db, store, contexts, now: clock() })
      hasFailed = false
    } catch (err) {
      // Once in a row: what is down stands in readiness, and the plots have a gap.
      if (!hasFailed) runtime.log.warn({ err }, 'no sample for the plots of the console')
      hasFailed = true
    } finally {
      isTaking = false
    }
  }
  const timer = setInterval(() => void take(), SAMPLE_MS).unref()
  onDrain(() => clearInterval(timer))
}

interface WaysIn {
  signIn: ReturnType<typeof createSignIn>
  looking: ReturnType<typeof createLooking>
  framing: ReturnType<typeof createFraming>
}

function addWaysIn(app: Hono<AppEnv>, { signIn, looking, framing }: WaysIn): void {
  const show = async (c: PageContext, title: string, content: ReturnType<typeof html>, status: 200 | 401 = 200) =>
    c.html(await page({ title, content, preferences: preferencesOf(c) }), status)

  app.get('/console/sign-in', (c) => {
    framing.withinBounds(c)
    return show(c, 'Sign in', html`${signInForm(goodTarget(c.req.query('to')))}`)
  })
  app.post('/console/sign-in', async (c) => {
    framing.withinBounds(c)
    const form = await looking.form(c)
    const to = goodTarget(form.get('to'))
    const fault = await signIn.withKey(c, form.get('key') ?? '')
    if (fault !== undefined) return show(c, 'Sign in', html`${signInForm(to, fault)}`, 401)
    return c.redirect(to, 303)
  })
  // Following the link changes nothing, so that previews do not use it up.
  app.get('/console/enter/:token', async (c) => {
    framing.withinBounds(c)
    const { isReadOnly } = await signIn.look(c.req.param('token'))
    return show(c, 'Sign in as administrator', html`${enterForm(c.req.path, isReadOnly)}`)
  })
  app.post('/console/enter/:token', async (c) => {
    framing.withinBounds(c)
    await signIn.withLink(c, c.req.param('token'))
    return c.redirect('/console', 303)
  })
}
