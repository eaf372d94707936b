/** What stands at `/`: for people a way in, for programs the addresses that there are. */
import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import { html, raw } from 'hono/html'
import { version } from '../runtime/version.ts'
import type { AppEnv } from './environment.ts'
import type { Readiness } from './health.ts'

const STYLE = `:root { color-scheme: light dark }
body { max-width: 42rem; margin: 0 auto; padding: 2.5rem 1rem; font: 1rem/1.6 system-ui, sans-serif;
  color: light-dark(#16202c, #e6edf3); background: light-dark(#f4f6f8, #0e151c) }
a { color: light-dark(#0a5c8a, #6cbcf0) }
pre { overflow: auto; padding: 0.75rem 1rem; border-radius: 0.375rem; background: light-dark(#e9eef2, #1f2b36) }`
/** The page's own style and nothing else's. */
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')
const PAGE_POLICY = [
  ...["default-src 'none'", `style-src 'sha256-${STYLE_HASH}'`, 'img-src data:'],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ')

interface Root {
  /** Names of the documents that are served. */
  documents: readonly string[]
  /** Where people begin; undefined: there are no pages for them. */
  home: string | undefined
  readiness: () => Promise<Readiness>
}

const states: Readonly<Record<Readiness['status'], string>> = {
  ready: 'All is well.',
  degraded: 'Degraded: something is down, and the rest goes on.',
  not_ready: 'Not ready.',
}

export function rootPage({ documents, home, readiness }: Root) {
  const name = 'opslog'
  const own = version()
  const links = {
    ...(home === undefined ? {} : { console: home }),
    ...{ docs: '/docs', problems: '/docs/problems', readyz: '/readyz', metrics: '/metrics' },
    openapi: documents.map((each) => `/${each}/openapi.json`),
  }
  return async (c: Context<AppEnv>): Promise<Response> => {
    c.header('vary', 'accept')
    if (!/\btext\/html\b/.test(c.req.header('accept') ?? '')) return c.json({ name, version: own, links })
    const { status } = await readiness()
    c.header('content-security-policy', PAGE_POLICY)
    c.header('cache-control', 'no-store')
    return c.html(page({ own, status, home, origin: new URL(c.req.url).origin }))
  }
}

interface Shown {
  own: string
  status: Readiness['status']
  home: string | undefined
  origin: string
}

const page = ({ own, status, home, origin }: Shown) => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <link rel="icon" href="data:," />
    <style>${raw(STYLE)}</style>
    <title>opslog</title>
  </head>
  <body>
    <main>
      <h1>opslog</h1>
      <p>Version ${own}. ${states[status]}</p>
      <ul>
        ${home === undefined ? '' : html`<li><a href="${home}">Console</a>: what there is, and what can be done</li>`}
        <li><a href="/docs">API reference</a>, with examples to try</li>
        <li><a href="/docs/problems">Refusals</a>, each with what to do</li>
        <li><a href="/readyz">Readiness</a> of each part</li>
      </ul>
      <p>A first request:</p>
      <pre tabindex="0"><code>curl ${origin}/readyz</code></pre>
    </main>
  </body>
</html>`
