/** A list of things and the page of one, as their table has them, for whoever runs the installation. */
import { html } from 'hono/html'
import type { RowOf, Table } from '../../projections/projection.ts'
import type { Asked, Audience, Markup, PageDeclaration } from './declaration.ts'
import { type ListOf, listView } from './list.ts'
import { fieldsOf, heading, onRecord } from './markup.ts'
import { thingView, type WithDatabase } from './things.ts'

export interface PlainPages<T extends Table> {
  list: ListOf<T>
  /** Of the list, in the navigation. */
  title: string
  /** Of an operator's key. Things that are nobody's are for administrators alone. */
  scopes?: readonly string[]
  /** Columns that nobody is to see, or that say nothing. */
  without?: readonly (keyof RowOf<T> & string)[]
  /** Fields that are shown in their own way. */
  show?: (row: RowOf<T>) => Readonly<Record<string, Markup | undefined>>
  /** What stands behind the fields. */
  more?: (asked: Asked<WithDatabase>, row: RowOf<T>) => Promise<Markup>
}

export function plainPages<T extends Table>(of: PlainPages<T>): PageDeclaration<WithDatabase>[] {
  const { list, title, scopes = [], without = [], show, more } = of
  const audience: readonly Audience[] = ['administrator', ...(list.tenant === undefined ? [] : ['operator' as const])]
  const shared = { group: 'operate' as const, audience, scopes }
  const page = thingView(list, async (asked: Asked<WithDatabase>, row) => ({
    title: `${heading(list.kind)} ${list.nameOf(row)}`,
    content: html`${fieldsOf(row as object, show?.(row), without)}${more ? await more(asked, row) : ''}
${onRecord(String((row as Record<string, unknown>)[list.id]))}`,
  }))
  return [
    { ...shared, path: list.path, title, view: listView(list) },
    { ...shared, path: `${list.path}/:id`, title: heading(list.kind), view: page },
  ]
}
