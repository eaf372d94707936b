/**
 * What pages of the console are made of. Whatever a thing says of itself goes through `html`, which escapes it. Texts of
 * others are wrapped in `<bdi>`, so that marks of direction in them turn nothing round.
 */
import { html } from 'hono/html'
import type { Asked, Markup } from './declaration.ts'

/** What lists leave out of an id: all behind its first 8 characters. */
const REST = /(?<=^[^…]{8})[^…]{5,}$/

/** A path under `/console`, its parts encoded. */
export const pathOf = (...parts: readonly string[]): string =>
  `/console/${parts.map((part) => encodeURIComponent(part)).join('/')}`

/** The address with some of its query replaced; undefined takes a parameter out. */
export function withQuery(
  { path, query }: Pick<Asked<unknown>, 'path' | 'query'>,
  changes: Readonly<Record<string, string | undefined>>,
): string {
  const changed = new URLSearchParams(query)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') changed.delete(name)
    else changed.set(name, value)
  }
  changed.delete('part')
  changed.delete('done')
  const text = changed.toString()
  return `/console${path}${text === '' ? '' : `?${text}`}`
}

/** Text of somebody else's. */
export const said = (text: string): Markup => html`<bdi>${text}</bdi>`

/** `2026-11-29T10:00:02.123Z` → `2026-11-29 10:00:02 UTC`, which the script shows as the reader likes. */
export const time = (at: string | null | undefined): Markup =>
  at ? html`<time datetime="${at}" title="${at}">${at.slice(0, 19).replace('T', ' ')} UTC</time>` : none()

export const none = (text = 'none'): Markup => html`<span class="none">${text}</span>`

/** Decimal text as it was recorded. */
export const amount = (value: string | null | undefined, unit = ''): Markup =>
  value === null || value === undefined
    ? none()
    : html`<span class="amount">${value}${unit === '' ? '' : html` <span class="unit">${unit}</span>`}</span>`

/** A word for how something stands, with a mark beside it, so that colour says nothing alone. */
export function state(word: string): Markup {
  const kind = stateKindOf(word)
  return html`<span class="state ${kind}">${word}</span>`
}

const GOOD =
  /^(up|active|ready|live|passed|verified|succeeded|delivered|completed|applied|approved|executed|engine_wal_confirmed|confirmed|leading|closed_circuit|true|well|done|ok|holds)$/
const BAD =
  /^(down|failed|halted|dead_lettered|rejected|suspended|revoked|expired|broken|invalid_execution|force_stopped|breached|lost|not_ready|error)$/
const WAITING =
  /^(pending\w*|outbox_pending|nats_published|degraded|disabled|waiting|reserved|executing|queued|running|paused|catching_up|parked|open|in_progress)$/
const stateKindOf = (word: string): string =>
  GOOD.test(word) ? 'good' : BAD.test(word) ? 'bad' : WAITING.test(word) ? 'waiting' : 'plain'

/** A button that copies; without script it is not there. */
export const copyButton = (value: string, what: string): Markup =>
  html`<button type="button" class="copy" data-copy="${value}" hidden>Copy ${what}</button>`

/** `account_id` → `account id`. */
export const inWords = (name: string): string => name.replaceAll('_', ' ')

/** `created_at` → `Created at`. */
export const heading = (name: string): string => `${name.charAt(0).toUpperCase()}${inWords(name.slice(1))}`

/** An id whole, with a button that copies it. */
export const wholeId = (value: string, what: string): Markup => html`<code>${value}</code> ${copyButton(value, what)}`

/** The beginning of an id, in a list: whole in its title, and whole where it is copied. Ids that begin with their time end differently. */
export const shortId = (value: string | null | undefined, path?: string): Markup => {
  if (value === null || value === undefined) return none()
  const text = value.replace(/(?<=^[a-z]+_)\w{18}(?=\w{8}$)/, '…').replace(REST, '')
  const shown = html`<code title="${value}" data-whole="${value}">${text}</code>`
  return path === undefined ? shown : html`<a href="${path}">${shown}</a>`
}

export const link = (text: Markup | string, path: string): Markup => html`<a href="${path}">${text}</a>`

/** What a command has brought about, for the message of its action. */
export const cameOf = (commandId: string): readonly [text: string, path: string] => [
  'What came of it',
  `/traces/${encodeURIComponent(commandId)}`,
]

/** The way from a thing to what the log has of it. */
export const onRecord = (id: string): Markup =>
  html`<p class="tools">${link('History', pathOf('history', id))} ${link('State at any time', pathOf('states', id))}</p>`

/** A field of a thing: its name in the API, its value there, and how it is shown where the value itself is not plain. */
export interface Field {
  name: string
  value: unknown
  label?: string
  /** Begins with the API's value. */
  show?: Markup
}

const isTime = (name: string, value: unknown): value is string =>
  typeof value === 'string' && /(_at|_time|_until|^at)$/.test(name) && /^\d{4}-\d\d-\d\dT/.test(value)
const isId = (name: string): boolean => /(^id|_id|_number|_key_hash)$/.test(name)
const isStatus = (name: string): boolean => /(^|_)(status|state)$/.test(name)
const DECIMAL = /^-?\d+(\.\d+)?$/

/** A value as its name has it shown. */
export function shownValue(name: string, value: unknown): Markup {
  if (value === null || value === undefined || value === '') return none()
  if (isTime(name, value)) return html`${value} <small>(${time(value)})</small>`
  if (isId(name)) return wholeId(String(value), inWords(name))
  if (isStatus(name)) return state(String(value))
  if (typeof value === 'object') return html`<pre tabindex="0">${JSON.stringify(value, null, 2)}</pre>`
  if (typeof value === 'string' && DECIMAL.test(value)) return amount(value)
  return said(String(value))
}

/** The fields of a thing; each can be found by its name in the API. */
export const fields = (list: readonly Field[]): Markup =>
  html`<dl class="fields">${list.map(
    ({ name, value, label = heading(name), show }) =>
      html`<div><dt>${label}</dt><dd data-field="${name}">${show ?? shownValue(name, value)}</dd></div>`,
  )}</dl>`

/** Every member of an object as a field; `show` has those that are shown in their own way. */
export const fieldsOf = (
  thing: object,
  show: Readonly<Record<string, Markup | undefined>> = {},
  without: readonly string[] = [],
): Markup =>
  fields(
    Object.entries(thing)
      .filter(([name]) => !without.includes(name))
      .map(([name, value]): Field => {
        const own = value === null || value === undefined ? undefined : show[name]
        return { name, value, ...(own === undefined ? {} : { show: own }) }
      }),
  )

export const section = (title: string, content: Markup | readonly Markup[], id?: string): Markup =>
  html`<section${id === undefined ? '' : html` id="${id}"`}><h2>${title}</h2>${content}</section>`

/** What would be here, and how to make one. */
export const empty = (says: string, command?: string): Markup =>
  html`<p class="empty">${says}${command === undefined ? '' : html` Make one: <code>${command}</code>`}</p>`

/** A region that is asked for each second while the page is looked at. */
export const live = (asked: Pick<Asked<unknown>, 'path' | 'query'>, name: string, content: Markup): Markup => {
  const address = withQuery(asked, {})
  const own = `${address}${address.includes('?') ? '&' : '?'}part=${name}`
  return html`<div id="part-${name}" class="live" hx-get="${own}" hx-trigger="tick from:body" hx-swap="innerMorph">${content}</div>`
}

/** Two lines of a wide column. */
const CELL_LENGTH_MAX = 120

/** A value in a row: ids short, long texts cut. */
export function shownInList(name: string, value: unknown): Markup {
  if (value === null || value === undefined || value === '') return none()
  if (isTime(name, value)) return time(value)
  if (isStatus(name)) return state(String(value))
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (isId(name)) return shortId(String(value))
  if (typeof value === 'object') return shortText(JSON.stringify(value))
  if (typeof value === 'string' && DECIMAL.test(value)) return amount(value)
  return shortText(String(value))
}

/** Cut where it is long; whole in its title. */
export const shortText = (text: string): Markup =>
  text.length <= CELL_LENGTH_MAX ? said(text) : html`<bdi title="${text}">${text.slice(0, CELL_LENGTH_MAX)}…</bdi>`
