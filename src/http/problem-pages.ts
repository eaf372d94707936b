/**
 * A page for every code that a request can be refused with, made of the contexts' error tables: what it means, what to
 * do, and which operations answer with it. Refusals link to them.
 */
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { ContextApi } from './context.ts'
import { codesOf } from './document.ts'
import type { AppEnv } from './environment.ts'
import { kernelErrors, Problem } from './errors.ts'
import { helpPath, kernelHelp } from './help.ts'

const PAGE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

interface Occurrence {
  context: string
  status: number
  title: string
  /** As the body of the refusal names it. */
  shownAs: string
  help: string | undefined
  operations: readonly string[]
}

/** Serves `/docs/problems` and `/docs/problems/<code>`. */
export function problemPages(apis: readonly ContextApi[]) {
  const problems = problemsOf(apis)
  const app = new Hono<AppEnv>()
  app.use('/docs/problems/*', async (c, next) => {
    c.header('content-security-policy', PAGE_POLICY)
    await next()
  })
  app.get('/docs/problems', (c) => c.html(index([...problems.keys()])))
  app.get('/docs/problems/:code', (c) => {
    const code = c.req.param('code')
    const found = problems.get(code)
    if (!found) throw new Problem('route_not_found', 'No refusal has this code.')
    return c.html(page(code, found))
  })
  return app
}

function problemsOf(apis: readonly ContextApi[]): Map<string, Occurrence[]> {
  const problems = new Map<string, Occurrence[]>(Object.keys(kernelErrors).map((code) => [code, []]))
  for (const { name: context, errors, operations, schemes } of apis) {
    const given = operations.map((operation) => ({ id: operation.id, codes: new Set(codesOf(operation, schemes)) }))
    const help: Readonly<Record<string, string | undefined>> = { ...kernelHelp, ...errors.help }
    for (const [code, { status, title, shownAs = code }] of Object.entries(errors.codes)) {
      const ids = given.flatMap(({ id, codes }) => (codes.has(code) ? [id] : []))
      const occurrence = { context, status, title, shownAs, help: help[code], operations: ids }
      problems.set(code, [...(problems.get(code) ?? []), occurrence])
    }
  }
  return problems
}

const framed = (title: string, content: unknown) => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>opslog: ${title}</title>
  </head>
  <body>
    <h1>${title}</h1>
    ${content}
    <p><a href="/docs/problems">All refusals</a>, <a href="/docs">API reference</a></p>
  </body>
</html>`

const index = (codes: readonly string[]) =>
  framed(
    'Refusals',
    html`<ul>${codes.toSorted().map((code) => html`<li><a href="${helpPath(code)}">${code}</a></li>`)}</ul>`,
  )

const page = (code: string, occurrences: readonly Occurrence[]) =>
  framed(
    code,
    occurrences.map(
      ({ context, status, title, shownAs, help, operations }) => html`<h2>${context}: ${status}, ${title}</h2>
        ${help === undefined ? '' : html`<p>${help}</p>`}
        ${shownAs === code ? '' : html`<p>The body of the refusal names it <code>${shownAs}</code>.</p>`}
        ${operations.length === 0 ? '' : html`<p>Answered by ${operations.join(', ')}.</p>`}`,
    ),
  )
