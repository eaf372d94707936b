/** A list of things and the page of one, as their table has them, for whoever runs the installation. */
import { html } from 'hono/html'
import type { RowOf, Table } from '../../projections/projection.ts'
import type { Asked, Markup, PageDeclaration } from './declaration.ts'
import { type ListOf, listView } from './list.ts'
import { fieldsOf, onRecord } from './markup.ts'
import { thingView, type WithDatabase } from './things.ts'

export interface PlainPages<T extends Table> {
  list: ListOf<T>
  /** Of the list, in the navigation. */
  title: string
  /** Columns that nobody is to see, or that say nothing. */
  without?: readonly (keyof RowOf<T> & string)[]
  /** Fields that are shown in their own way. */
  show?: (row: RowOf<T>) => Readonly<Record<string, Markup | undefined>>
  /** What stands behind the fields. */
  more?: (asked: Asked<WithDatabase>, row: RowOf<T>) => Promise<Markup>
}

export function plainPages<T extends Table>(of: PlainPages<T>): PageDeclaration<WithDatabase>[] {
  const { list, title, without = [], show, more } = of
  const kind = `${list.kind.charAt(0).toUpperCase()}${list.kind.slice(1)}`
  const shared = { group: 'operate', audience: ['administrator'] } as const
  const page = thingView(list, async (asked: Asked<WithDatabase>, row) => ({
    title: `${kind} ${list.nameOf(row)}`,
    content: html`${fieldsOf(row as object, show?.(row), without)}${more ? await more(asked, row) : ''}
${onRecord(String((row as Record<string, unknown>)[list.id]))}`,
  }))
  return [
    { ...shared, path: list.path, title, view: listView(list) },
    { ...shared, path: `${list.path}/:id`, title: kind, view: page },
  ]
}
