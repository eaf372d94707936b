/** Every setting of the instance, with its value and where that comes from. What everybody may choose is in their menu. */
import { html } from 'hono/html'
import type { SettingShown } from '../../context.ts'
import type { Asked, Shown } from '../pages/declaration.ts'
import { none } from '../pages/markup.ts'
import { type Column, table } from '../pages/table.ts'
import type { ConsoleParts } from './access.ts'

const columns: readonly Column<SettingShown>[] = [
  { name: 'name', label: 'Variable', show: ({ name }) => html`<code>${name}</code>` },
  { name: 'value', label: 'Value', show: ({ value }) => (value === '' ? none('unset') : html`<code>${value}</code>`) },
  {
    name: 'default',
    label: 'Default',
    show: ({ fallback }) => (fallback === '' ? none() : html`<code>${fallback}</code>`),
  },
  { name: 'source', label: 'From', show: ({ source }) => source },
  { name: 'description', label: 'What it says', show: ({ description }) => description },
]

export async function showSettings({ parts, viewer }: Asked<ConsoleParts>): Promise<Shown> {
  const own = html`<p>Theme, times and single keys are in the account’s menu, and remembered by this browser.</p>`
  if (viewer.audience !== 'administrator') return { content: own }
  const rows = parts.settings()
  return {
    content: html`${own}${table('Settings of the instance', columns, rows)}`,
    sheet: {
      columns: ['name', 'value', 'default', 'source', 'description'],
      rows: rows.map(({ name, value, fallback, source, description }) => [name, value, fallback, source, description]),
    },
  }
}
