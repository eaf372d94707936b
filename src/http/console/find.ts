/** One box that takes any id: whatever contexts can find by it, they say. */
import { html } from 'hono/html'
import type { Asked, Finder, Hit, Shown } from '../pages/declaration.ts'
import { said } from '../pages/markup.ts'
import { type Column, table } from '../pages/table.ts'
import type { ConsoleParts } from './access.ts'
import { isFor } from './admission.ts'

const TEXT_LENGTH_MAX = 512
const HITS_MAX = 50

const columns: readonly Column<Hit>[] = [
  { name: 'kind', label: 'Kind', show: ({ kind }) => kind },
  { name: 'name', label: 'What', show: ({ name, path }) => html`<a href="/console${path}">${said(name)}</a>` },
]

const everybody = { audience: ['administrator', 'operator', 'auditor'] } as const

/** One hit: there. Several: a list. None: 404, with what was searched. */
export async function showFound(asked: Asked<ConsoleParts>): Promise<Shown | string> {
  const text = (asked.query.get('q') ?? '').trim().slice(0, TEXT_LENGTH_MAX)
  const finders = asked.runtime.consoles.flatMap((of) =>
    isFor(of, everybody, asked.viewer) ? (of.console.finders ?? []).map((finder) => ({ of, finder })) : [],
  )
  if (text === '')
    return { content: html`<p>Enter an id, an external id, a number, a slug or the name of a stream.</p>` }
  const found = await Promise.all(
    finders.map(({ of, finder }) => (finder.find as Finder<unknown>['find'])({ ...asked, parts: of.parts }, text)),
  )
  // Two finders may know one thing.
  const hits = [...new Map(found.flat().map((hit) => [hit.path, hit])).values()].slice(0, HITS_MAX)
  const [only, ...others] = hits
  if (only && others.length === 0) return only.path
  if (only) {
    return {
      title: `Found for “${text}”`,
      content: html`${table('Found', columns, hits, ({ path }) => `/console${path}`)}`,
    }
  }
  const searched = [...new Set(finders.map(({ finder }) => finder.kind))].join(', ')
  return {
    title: 'Nothing found',
    content: html`<p role="status">Nothing is known of “${said(text)}”.</p><p>Searched: ${searched || 'nothing'}.</p>`,
    status: 404,
  }
}
