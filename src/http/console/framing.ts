/** Pages in their frame: for whoever looks, with what is wrong with the instance above them; and refusals as pages. */
import { html } from 'hono/html'
import { hasMoreBody } from '../body.ts'
import type { SharedRuntime } from '../context.ts'
import { describeError, type ErrorEntry, type ErrorTable, Problem } from '../errors.ts'
import { helpPath, kernelHelp } from '../help.ts'
import type { DeclaredConsole, Markup, Viewer } from '../pages/declaration.ts'
import type { ConsoleParts } from './access.ts'
import { navigationFor } from './admission.ts'
import { errors } from './errors.ts'
import { isRefresh, type PageContext } from './looking.ts'
import { type Frame, page, type Refused, refusal } from './page.ts'
import { preferencesOf } from './preferences.ts'
import { signInAddress } from './sign-in.ts'

export type Framing = ReturnType<typeof createFraming>

const viewers = new WeakMap<object, Viewer>()

/** Lets a refusal have the frame of the page that it stands in place of. */
export const noteViewer = (c: PageContext, viewer: Viewer): void => void viewers.set(c.get('exchange'), viewer)

export function createFraming(_: ConsoleParts, runtime: SharedRuntime, declared: readonly DeclaredConsole[]) {
  const { bounds, readiness, isUnavailable, log } = runtime

  /** What is down, for those who can do something about it; for others, that something is. */
  async function bannerFor({ audience }: Viewer): Promise<Markup> {
    const { status, dependencies } = await readiness()
    const down = Object.entries(dependencies).filter(([, { up }]) => !up)
    if (down.length === 0) return ''
    const words = status === 'not_ready' ? 'The instance is not ready' : 'The instance is degraded'
    const names = down.map(([name]) => name).join(', ')
    const says = audience === 'administrator' ? `${words}: ${names}.` : `${words}: some of this may be old.`
    return html`<div class="banner" role="status">${says}${
      audience === 'administrator' ? html` <a href="/console/health">Look at its parts</a>` : ''
    }</div>
`
  }

  async function framed(
    c: PageContext,
    viewer: Viewer | undefined,
    frame: Omit<Frame, 'viewer' | 'preferences' | 'navigation'>,
  ): Promise<string> {
    const path = c.req.path.slice('/console'.length)
    const { pathname, search } = new URL(c.req.url)
    const signed = viewer
      ? { viewer, navigation: navigationFor(declared, viewer, path), banner: await bannerFor(viewer) }
      : {}
    return page({ ...signed, preferences: preferencesOf(c), address: `${pathname}${search}`, ...frame })
  }

  /** What was refused, in the words of the context whose code it is. */
  function describe(c: PageContext, error: unknown, of?: DeclaredConsole): Refused & { status: ErrorEntry['status'] } {
    const { code: name, detail, errors: faults = [], headers = {} } = describeError(error, isUnavailable)
    const exchange = c.get('exchange')
    const { requestId } = exchange
    const tables = [errors, ...(of ? [of.api.errors] : []), ...declared.map(({ api }) => api.errors)]
    const table = (tables as ErrorTable<string>[]).find(({ codes }) => name in codes)
    const entry = table?.codes[name] ?? errors.codes.internal_error
    if (!table || entry.status >= 500) {
      const fields = { requestId, err: error }
      if (entry.status === 500) log.error(fields, 'a page of the console failed')
      else log.warn(fields, 'a page of the console could not be shown')
    }
    if (entry.retryAfterS !== undefined) exchange.headers['retry-after'] = String(entry.retryAfterS)
    Object.assign(exchange.headers, headers)
    const code = table ? name : 'internal_error'
    exchange.headers.link = `<${helpPath(code)}>; rel="help"`
    const whatToDo = table?.help?.[name] ?? (kernelHelp as Readonly<Record<string, string | undefined>>)[code]
    return { code, title: entry.title, detail, requestId, errors: faults, whatToDo, status: entry.status }
  }

  return {
    framed,
    describe,

    /** Throws a Problem (429) where an address asks too much without having signed in. */
    withinBounds(c: PageContext): void {
      const fault = bounds.overused(c)
      if (fault) throw fault
    },

    /** Where one is after the sign-in. What only refreshes a page leaves it as it is, and the script goes there. */
    toSignIn(c: PageContext): Response {
      const { pathname, search } = new URL(c.req.url)
      const isPage = c.req.method === 'GET' && !isRefresh(c)
      const address = signInAddress(isPage ? `${pathname}${search}` : pathname)
      if (!isRefresh(c)) return c.redirect(address, 303)
      return c.body(null, 401, { 'hx-redirect': address })
    },

    /** The page that says what was refused. */
    async refused(c: PageContext, error: unknown): Promise<Response> {
      const told = describe(c, error)
      if (c.env?.incoming && hasMoreBody(c.env.incoming)) c.get('exchange').headers.connection = 'close'
      const title = told.status === 404 && told.code === 'route_not_found' ? 'There is no such page' : told.title
      const content = html`${refusal(told)}<p><a href="/console">To the console</a></p>`
      if (isRefresh(c)) return c.html(refusal(told) as ReturnType<typeof html>, told.status)
      return c.html(await framed(c, viewers.get(c.get('exchange')), { title, content }), told.status)
    },
  }
}

export const notThere = (): Problem => new Problem('route_not_found', 'There is no such page, or none for you.')
