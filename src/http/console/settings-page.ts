/**
 * Settings of the instance: those that were set, and others by their first word, so that the page stays small. What everybody
 * may choose is in their menu.
 */
import { html } from 'hono/html'
import type { SettingShown } from '../../context.ts'
import type { Asked, Markup, Shown } from '../pages/declaration.ts'
import { empty, none, section, withQuery } from '../pages/markup.ts'
import { type Column, table } from '../pages/table.ts'
import type { ConsoleParts } from './access.ts'

const columns: readonly Column<SettingShown>[] = [
  { name: 'name', label: 'Variable', show: ({ name }) => html`<code>${name}</code>` },
  { name: 'value', label: 'Value', show: ({ value }) => (value === '' ? none('unset') : html`<code>${value}</code>`) },
  { name: 'default', label: 'Default', show: ({ fallback, value }) => (fallback === value ? 'the same' : fallback) },
  { name: 'source', label: 'From', show: ({ source }) => source },
  { name: 'description', label: 'What it says', show: ({ description }) => description },
]

/** `WEBHOOK_TIMEOUT_MS` → `WEBHOOK`. */
const groupOf = ({ name }: SettingShown): string => name.split('_')[0] ?? name

/** Settings that one look shows: the page stays within what a list may have. */
const SHOWN_MAX = 60

function matching({ parts, query }: Asked<ConsoleParts>): { says: string; rows: SettingShown[] } {
  const all = parts.settings()
  const [group, text] = [query.get('group'), query.get('q')?.trim().toUpperCase() ?? '']
  if (text !== '') {
    const has = ({ name, description }: SettingShown) => `${name} ${description}`.toUpperCase().includes(text)
    return { says: `Those with “${query.get('q')}”`, rows: all.filter(has) }
  }
  if (group !== null) return { says: `${group}…`, rows: all.filter((each) => groupOf(each) === group) }
  return { says: 'Those that were set', rows: all.filter(({ source }) => source === 'environment') }
}

function groupsOf(asked: Asked<ConsoleParts>): Markup {
  const groups = Map.groupBy(asked.parts.settings(), groupOf)
  return html`<p class="tools">${[...groups].map(
    ([name, of]) => html`<a href="${withQuery(asked, { group: name, q: undefined })}">${name}</a>&nbsp;${of.length} `,
  )}</p>`
}

export async function showSettings(asked: Asked<ConsoleParts>): Promise<Shown> {
  const own = html`<p>Theme, times and single keys are in the account’s menu, and remembered by this browser.</p>`
  if (asked.viewer.audience !== 'administrator') return { content: own }
  const { says, rows } = matching(asked)
  const left = rows.length - SHOWN_MAX
  return {
    content: html`${own}<form class="filters" method="get" action="/console${asked.path}">
<label>Has <input name="q" value="${asked.query.get('q') ?? ''}" size="20" autocomplete="off"></label>
<button>Find</button> <a class="button" href="/console${asked.path}">Those that were set</a></form>
${section('By their first word', groupsOf(asked))}
${section(says, rows.length === 0 ? empty('There is none: all are as they come.') : table('Settings of the instance', columns, rows.slice(0, SHOWN_MAX)))}
${left > 0 ? html`<p>And ${left} more.</p>` : ''}
<p class="tools"><a class="button" href="${withQuery(asked, { format: 'csv' })}">CSV of all</a>
<a class="button" href="${withQuery(asked, { format: 'json' })}">JSON of all</a></p>`,
    sheet: {
      columns: ['name', 'value', 'default', 'source', 'description'],
      rows: asked.parts
        .settings()
        .map(({ name, value, fallback, source, description }) => [name, value, fallback, source, description]),
    },
  }
}
