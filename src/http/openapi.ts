/**
 * The documents, and pages to read them. /docs works without any other host: Scalar's viewer is served from the package
 * that carries it whole. That package's documented way in is a Fastify plugin: it is given a host of two methods and asked
 * for its routes. Without scripts, the page lists the operations in plain HTML.
 */
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { OpenApiDocument } from './document.ts'
import { documentText } from './document-text.ts'
import type { AppEnv } from './environment.ts'
import { fixedText } from './fixed-text.ts'

/** A context's name and its document. */
export interface Documented {
  name: string
  document: OpenApiDocument
  /** It is an operation of the context's own contract. */
  isServed?: boolean
}

/** The page may run the viewer's own script and nothing else's; Scalar sets styles and reads the documents from here. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * Serves `/<context>/openapi.json` and `/docs/<context>.md` for each context, `/docs`, and `/llms.txt`, which lists them. Each
 * is turned to text and compressed once.
 */
export function documentation(documented: readonly Documented[]) {
  const app = new Hono<AppEnv>()
  for (const { name, document, isServed = false } of documented) {
    const text = fixedText(() => JSON.stringify(document), { 'content-type': 'application/json' })
    if (!isServed) app.get(documentPath(name), text)
    app.get(
      textPath(name),
      fixedText(() => documentText(name.replace(/\/.*/, ''), document), MARKDOWN),
    )
  }
  app.get(
    '/llms.txt',
    fixedText(() => listOf(documented), { 'content-type': 'text/plain; charset=utf-8' }),
  )
  const ofPage = { 'content-security-policy': PAGE_POLICY, 'referrer-policy': 'no-referrer' }
  app.get(
    '/docs',
    fixedText(async () => String(await page(documented)), { ...ofPage, 'content-type': HTML }),
  )
  app.get(
    '/docs/start.js',
    fixedText(() => starter(documented), { 'content-type': JAVASCRIPT }),
  )
  const headers = { 'content-type': JAVASCRIPT, 'cache-control': 'public, max-age=86400' }
  app.get('/docs/viewer.js', fixedText(viewer, headers))
  return app
}

export const documentPath = (name: string): string => `/${name}/openapi.json`

/** `/docs/noctant.md`; of a document apart, `/docs/firsthand-worker.md`. */
const textPath = (name: string): string => `/docs/${name.replace('/', '-')}.md`

const listOf = (documented: readonly Documented[]): string => {
  const links = documented.map(({ name, document }) => `- [${document.info.title}](${textPath(name)})`)
  return ['# opslog', 'APIs over one event log:', links.join('\n'), 'Refusals: [codes](/docs/problems)'].join('\n\n')
}

const MARKDOWN = { 'content-type': 'text/markdown; charset=utf-8' }
const HTML = 'text/html; charset=utf-8'
const JAVASCRIPT = 'text/javascript; charset=utf-8'

interface ViewerRoute {
  url: string
  handler: (request: unknown, reply: ViewerReply) => unknown
}
interface ViewerReply {
  header: (name: string, value: string) => ViewerReply
  send: (body: string) => unknown
}

/** Scalar's script, about 4 MB. */
async function viewer(): Promise<string> {
  const { default: plugin } = await import('@scalar/fastify-api-reference')
  const routes: ViewerRoute[] = []
  const host = { route: (route: ViewerRoute) => routes.push(route), hasPlugin: () => false }
  const install = plugin as unknown as (host: unknown, options: object, done: () => void) => void
  install(host, { routePrefix: '/docs', configuration: { sources: [] } }, () => undefined)
  const script = routes.find(({ url }) => url.endsWith('.js'))
  let body: string | undefined
  const reply: ViewerReply = { header: () => reply, send: (text) => (body = text) }
  script?.handler({}, reply)
  if (body === undefined) throw new Error('the package of the viewer does not offer its script any more')
  return body
}

const starter = (documented: readonly Documented[]): string => {
  const sources = documented.map(({ name, document }) => ({
    title: document.info.title,
    slug: name,
    url: `/${name}/openapi.json`,
  }))
  const configuration = {
    sources,
    withDefaultFonts: false,
    // The button would send the reader, and the document's address, to another host.
    hideClientButton: true,
    showDeveloperTools: 'never',
    telemetry: false,
    agent: { disabled: true },
  }
  return `Scalar.createApiReference('#viewer', ${JSON.stringify(configuration)})\n`
}

const page = (documented: readonly Documented[]) => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>opslog: API reference</title>
  </head>
  <body>
    <div id="viewer"></div>
    <noscript>${documented.map(outline)}</noscript>
    <script src="/docs/viewer.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>`

const outline = ({ name, document }: Documented) => html`
  <h1>${document.info.title}</h1>
  <p><a href="/${name}/openapi.json">OpenAPI document</a>, <a href="${textPath(name)}">as one text</a></p>
  <ul>
    ${Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      Object.entries(item as Record<string, { summary?: string }>).map(
        ([method, { summary }]) => html`<li><code>${method.toUpperCase()} /${name}${path}</code> ${summary ?? ''}</li>`,
      ),
    )}
  </ul>`
