/** The pages and actions that contexts declare, at their addresses. */
import { createHash } from 'node:crypto'
import type { Hono } from 'hono'
import { html } from 'hono/html'
import type { SharedRuntime } from '../context.ts'
import type { AppEnv } from '../environment.ts'
import { Problem } from '../errors.ts'
import type {
  ActionDeclaration,
  Asked,
  DeclaredConsole,
  PageDeclaration,
  Performed,
  Plot,
  Shown,
  View,
  Viewer,
} from '../pages/declaration.ts'
import type { ConsoleParts } from './access.ts'
import { actionBar, actionPage, openMessage, sealMessage } from './action-page.ts'
import { isFor, maySee, missingScopes } from './admission.ts'
import type { ConsoleCode } from './errors.ts'
import { figuresOf } from './figures.ts'
import { createFollowing } from './following.ts'
import { type Framing, noteViewer, notThere } from './framing.ts'
import { commandOf, type Looking, type PageContext, requireActing } from './looking.ts'
import { keepOnce, takeOnce } from './once.ts'
import { refusal } from './page.ts'
import { plotParts, plotsBelow, sampledPlots } from './sampled-plots.ts'
import type { Sessions } from './session.ts'
import { csvOf, jsonOf } from './sheet.ts'

export interface Ground {
  parts: ConsoleParts
  runtime: SharedRuntime
  declared: readonly DeclaredConsole[]
  looking: Looking
  framing: Framing
  sessions: Sessions
}

type Signed = (c: PageContext, viewer: Viewer) => Promise<Response>

/** For those who have signed in; others are sent where they can. */
export const signed =
  ({ looking, framing }: Pick<Ground, 'looking' | 'framing'>, answer: Signed) =>
  async (c: PageContext): Promise<Response> => {
    const viewer = await looking.viewer(c)
    if (!viewer) return framing.toSignIn(c)
    noteViewer(c, viewer)
    return answer(c, viewer)
  }

export function addDeclared(app: Hono<AppEnv>, ground: Ground): void {
  const following = createFollowing(ground)
  for (const of of ground.declared) {
    // Before the pages of things, whose ids might be called alike.
    for (const live of of.console.lives ?? []) app.get(`/console${live.of}/live`, signed(ground, following(of, live)))
    for (const page of of.console.pages) app.get(`/console${page.path}`, signed(ground, showPage(ground, of, page)))
    for (const action of of.console.actions ?? []) {
      const path = `/console${action.of}/actions/${action.name}`
      app.get(path, signed(ground, showAction(ground, of, action)))
      app.post(path, signed(ground, takeAction(ground, of, action)))
    }
  }
}

/** What is declared with types of its own is called with parts of the same types: both come of one context. */
const viewOf = ({ view }: PageDeclaration): View<unknown> => view as View<unknown>

const showPage =
  (ground: Ground, of: DeclaredConsole, page: PageDeclaration): Signed =>
  async (c, viewer) => {
    if (!maySee(of, page, viewer)) throw notThere()
    const asked = ground.looking.asked(c, viewer, of.parts as unknown)
    const own = { ...asked, parts: ground.parts }
    const below = plotsBelow(page.path, viewer)
    const parts = plotParts(own, below)
    // Without the page itself, which may take long to make.
    if (asked.part !== undefined && Object.hasOwn(parts, asked.part))
      return partOf(c, { content: '', parts }, asked.part)
    const shown = await viewOf(page)(asked)
    if (shown === undefined) throw notThere()
    if (typeof shown === 'string') return c.redirect(`/console${shown}`, 303)
    if (asked.part !== undefined) return partOf(c, shown, asked.part)
    const plots = sampledPlots(own, below)
    const plot = asked.query.get('plot')
    if (plot !== null) return figuresIn(c, asked.plotting.plots.get(plot))
    const format = asked.query.get('format')
    if (shown.sheet && format === 'csv') return c.body(csvOf(shown.sheet), 200, download('csv', page.title))
    if (shown.sheet && format === 'json') return c.body(jsonOf(shown.sheet), 200, download('json', page.title))
    const { sealer } = ground.runtime
    const once = takeOnce(c, sealer, viewer.sessionId)
    const message = html`${openMessage(sealer, viewer.sessionId, asked.query.get('done'))}${once}`
    const actions = actionBar(of, page.path, asked.path, viewer, shown.without)
    const { title = page.title, status = 200 } = shown
    const content = below.length === 0 ? shown.content : html`${shown.content}${plots}`
    return c.html(await ground.framing.framed(c, viewer, { title, content, message, actions }), status)
  }

/** Of one plot; the page has drawn it, for nobody yet. */
function figuresIn(c: PageContext, plot: Plot | undefined): Response {
  if (!plot) throw notThere()
  return c.json(figuresOf(plot), 200)
}

const download = (kind: 'csv' | 'json', title: string) => ({
  'content-type': kind === 'csv' ? 'text/csv; charset=utf-8' : 'application/json',
  'content-disposition': `attachment; filename="${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.${kind}"`,
})

/** One region; nothing of it where the browser has what it would be. */
async function partOf(c: PageContext, { parts = {} }: Shown, name: string): Promise<Response> {
  const render = Object.hasOwn(parts, name) ? parts[name] : undefined
  if (!render) throw notThere()
  const text = String(await html`${await render()}`)
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
  if (c.req.header('if-none-match') === etag) return c.body(null, 304, { etag })
  return c.html(text, 200, { etag })
}

/** The thing's address, from that of an action. */
const thingOf = (path: string): string => path.replace(/\/actions\/[^/]+$/, '')

const prepareOf = (action: ActionDeclaration) =>
  action.prepare as (asked: Asked<unknown>) => ReturnType<ActionDeclaration['prepare']>

/** What the action would do now. Throws a Problem for whom it is not, and where the thing is not there. */
async function admitted(
  ground: Ground,
  of: DeclaredConsole,
  action: ActionDeclaration,
  c: PageContext,
  viewer: Viewer,
) {
  if (!isFor(of, action, viewer)) throw notThere()
  requireActing(viewer)
  const missing = missingScopes(action, viewer)
  if (missing.length > 0) throw new Problem('scope_missing', `The key lacks the scope ${missing.join(', ')}.`)
  const asked = ground.looking.asked(c, viewer, of.parts as unknown)
  const prepared = await prepareOf(action)(asked)
  if (!prepared) throw notThere()
  return { asked, prepared, address: c.req.path, thing: thingOf(c.req.path) }
}

const showAction =
  (ground: Ground, of: DeclaredConsole, action: ActionDeclaration): Signed =>
  async (c, viewer) => {
    const { prepared, address, thing } = await admitted(ground, of, action, c, viewer)
    const content = actionPage({ action, prepared, address, thing })
    return c.html(await ground.framing.framed(c, viewer, { title: action.title, content }))
  }

const takeAction =
  (ground: Ground, of: DeclaredConsole, action: ActionDeclaration): Signed =>
  async (c, viewer) => {
    const form = await ground.looking.form(c)
    const { asked, prepared, address, thing } = await admitted(ground, of, action, c, viewer)
    try {
      const reason = form.get('reason')?.trim() ?? ''
      const command = commandOf(asked, form, `${of.api.name} ${action.name}`)
      requireAnswers(action, prepared.confirm, form, reason)
      // An obstacle is for the command to refuse: it may be what this very form has brought about, sent twice.
      const perform = action.perform as (acting: object) => Promise<Performed>
      const idempotencyKey = form.get('idempotency_key') ?? ''
      const done = await perform({ ...asked, form, reason, idempotencyKey, command })
      const { sealer } = ground.runtime
      if (done.once !== undefined) {
        const secure = ground.sessions.isSecure(c)
        await keepOnce(c, sealer, { sessionId: viewer.sessionId, shown: done.once, secure })
      }
      const to = done.to === undefined ? thing : `/console${done.to}`
      const address = `${to}${to.includes('?') ? '&' : '?'}done=${sealMessage(sealer, viewer.sessionId, done)}`
      return c.redirect(address, 303)
    } catch (error) {
      const told = ground.framing.describe(c, error, of)
      if (told.status >= 500) throw error
      const content = actionPage({ action, prepared, address, thing, form, refusal: refusal(told) })
      return c.html(await ground.framing.framed(c, viewer, { title: action.title, content }), told.status)
    }
  }

/** Throws a Problem (400) where the form lacks what the action asks for. */
function requireAnswers(action: ActionDeclaration, confirm: string | undefined, form: URLSearchParams, reason: string) {
  if (action.reason === 'required' && reason === '') {
    throw new Problem<ConsoleCode>('reason_missing', `${action.title} goes on record with a reason: say why.`)
  }
  if (confirm !== undefined && form.get('confirm')?.trim() !== confirm) {
    throw new Problem<ConsoleCode>('confirmation_missing', `Type ${confirm} to confirm.`)
  }
}
