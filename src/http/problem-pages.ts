/**
 * A page for every code that a request can be refused with, made of the contexts' error tables: what it means, what to
 * do, and which operations answer with it. Refusals link to them. A name that only bodies have gathers what it stands for.
 */
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import type { ContextApi } from './context.ts'
import { codesOf } from './document.ts'
import type { AppEnv } from './environment.ts'
import { type ErrorEntry, kernelErrors, Problem } from './errors.ts'
import { fixedText } from './fixed-text.ts'
import { helpPath, kernelHelp } from './help.ts'

const PAGE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** What one context says of a code. */
export interface Occurrence {
  context: string
  /** As the log and the header `Link` name it. */
  code: string
  status: number
  title: string
  /** As the body of the refusal names it. */
  shownAs: string
  causes: readonly string[]
  whatToDo: string | undefined
  /** Whether the same request can succeed, and when. */
  retry: string
  operations: readonly string[]
}

/** Serves `/docs/problems` and `/docs/problems/<code>`: as pages, or as JSON to those who ask for it. Each is made once. */
export function problemPages(apis: readonly ContextApi[]) {
  const problems = problemsOf(apis)
  const codes = [...problems.keys()].toSorted()
  const list = inBothForms({ json: () => ({ codes }), page: () => index(codes) })
  const answers = new Map(
    [...problems].map(([code, found]) => [
      code,
      inBothForms({ json: () => problemJson(code, found), page: () => page(code, found) }),
    ]),
  )
  const app = new Hono<AppEnv>()
  app.get('/docs/problems', list)
  app.get('/docs/problems/:code', (c) => {
    const answer = answers.get(c.req.param('code'))
    if (!answer) throw new Problem('route_not_found', 'No refusal has this code.')
    return answer(c)
  })
  return app
}

/** A handler that answers with JSON to those who ask for it, and with the page to everybody else. */
function inBothForms({ json, page }: { json: () => object; page: () => unknown }) {
  const shared = { 'content-security-policy': PAGE_POLICY, vary: 'accept' }
  const asJson = fixedText(() => JSON.stringify(json()), { ...shared, 'content-type': 'application/json' })
  const asPage = fixedText(async () => String(await page()), { ...shared, 'content-type': 'text/html; charset=utf-8' })
  return (c: Context<AppEnv>): Promise<Response> =>
    /^application\/json\b/.test(c.req.header('accept') ?? '') ? asJson(c) : asPage(c)
}

/** Every code of the contexts, and behind it what bodies name so, with what each context says of it. */
export function problemsOf(apis: readonly ContextApi[]): Map<string, Occurrence[]> {
  const problems = new Map<string, Occurrence[]>(Object.keys(kernelErrors).map((code) => [code, []]))
  const shown: Occurrence[] = []
  for (const { name: context, errors, operations, apart, schemes } of apis) {
    const all = [...operations, ...(apart?.operations ?? [])]
    const given = all.map((operation) => ({
      id: operation.id,
      codes: new Set([...codesOf(operation, schemes), ...operation.refuses]),
    }))
    const help: Readonly<Record<string, string | undefined>> = { ...kernelHelp, ...errors.help }
    for (const [code, entry] of Object.entries(errors.codes)) {
      const { status, title, shownAs = code } = entry
      const ids = given.flatMap(({ id, codes }) => (codes.has(code) ? [id] : []))
      const said = { ...explained(title, help[code]), retry: retryOf(code, entry), operations: ids }
      const each = { context, code, status, title, shownAs, ...said }
      problems.set(code, [...(problems.get(code) ?? []), each])
      if (shownAs !== code) shown.push(each)
    }
  }
  for (const each of shown) problems.set(each.shownAs, [...(problems.get(each.shownAs) ?? []), each])
  return problems
}

/** What help says begins with how it comes to that, each of the causes divided by a semicolon, where it is of more than a sentence. */
function explained(title: string, help: string | undefined): Pick<Occurrence, 'causes' | 'whatToDo'> {
  const [cause = '', ...rest] = help?.split(/(?<=[.]) (?=[A-Z`])/) ?? []
  if (rest.length === 0) return { causes: [title], whatToDo: help }
  return { causes: cause.replace(/\.$/, '').split('; '), whatToDo: rest.join(' ') }
}

function retryOf(code: string, { status, retryAfterS }: ErrorEntry): string {
  if (code === 'concurrent_change') return 'The same request, at once.'
  if (retryAfterS !== undefined || status === 429 || status === 503) return 'The same request, after `Retry-After`.'
  if (status >= 500) return 'The same request, under the same key where it has one.'
  return 'Not as it is: it would be refused again until something has changed.'
}

/** As `opslog docs` and clients read it: the first context that has the code, and all of them. */
export function problemJson(code: string, occurrences: readonly Occurrence[]) {
  const told = occurrences.map(({ shownAs: shown_as, whatToDo: what_to_do = null, title, ...rest }) => ({
    ...{ title, meaning: title, shown_as, what_to_do, ...rest },
  }))
  const operations = told.flatMap((each) => (each.context === told[0]?.context ? each.operations : []))
  return Object.assign({ code }, told[0], { code, operations: [...new Set(operations)], contexts: told })
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
  framed('Refusals', html`<ul>${codes.map((code) => html`<li><a href="${helpPath(code)}">${code}</a></li>`)}</ul>`)

const page = (code: string, occurrences: readonly Occurrence[]) =>
  framed(
    code,
    occurrences.map(
      (each) => html`<h2>${each.context}: ${each.status}, ${each.title}</h2>
        <p>How it comes to that: ${each.causes.join('; ')}.</p>
        ${each.whatToDo === undefined ? '' : html`<p>${each.whatToDo}</p>`}
        <p>To send again: ${each.retry}</p>
        ${each.shownAs === code ? '' : html`<p>The body of the refusal names it <code>${each.shownAs}</code>.</p>`}
        ${each.code === code ? '' : html`<p>This is <a href="${helpPath(each.code)}">${each.code}</a>.</p>`}
        ${each.operations.length === 0 ? '' : html`<p>Answered by ${each.operations.join(', ')}.</p>`}`,
    ),
  )
