/** The history of one thing, in sentences, across its streams: what one request brought about stands together. */
import { html } from 'hono/html'
import { firstContinuation, readHistory } from '../../../audit/history.ts'
import type { Asked, Markup, Shown } from '../../pages/declaration.ts'
import { requestMarkup, step } from '../../pages/list.ts'
import { link, pathOf, said, shortId, time, withQuery } from '../../pages/markup.ts'
import type { AuditParts } from '../access.ts'
import { readCursor, writeCursor } from '../cursor.ts'
import { shownEvent } from '../positions.ts'
import { pathOfEvent, pathOfStream, type ShownEvent, shortStream, whoOf } from './events.ts'
import { readerOf, reading } from './reader.ts'

type Audit = Asked<AuditParts>

const EVENTS_MAX = 100
const THING_LENGTH_MAX = 512

/** What the path names, as the audit API takes it; undefined: nothing can be called so. */
export const thingIn = ({ params }: Pick<Audit, 'params'>): string | undefined => {
  const { thing = '' } = params
  return thing === '' || thing.length > THING_LENGTH_MAX || thing.includes('\0') ? undefined : thing
}

/** Events that follow one another and came of one request. */
function byRequest(events: readonly ShownEvent[]): ShownEvent[][] {
  const groups: ShownEvent[][] = []
  for (const event of events) {
    const [first] = groups.at(-1) ?? []
    if (first && first.request_id !== null && first.request_id === event.request_id) groups.at(-1)?.push(event)
    else groups.push([event])
  }
  return groups
}

function groupMarkup(events: readonly ShownEvent[]): Markup {
  const [first] = events
  if (!first) return ''
  const { recorded_at, actor, request_id } = first
  const by = actor === null ? '' : html` by ${whoOf(first)}`
  const key = actor?.key_id ? html`, key ${shortId(actor.key_id)}` : ''
  const request = request_id === null ? '' : html` ${link('Trace', pathOf('traces', request_id))}`
  return html`<li><p class="small">${time(recorded_at)}${by}${key}${request}</p>
<ul>${events.map(
    ({ event_id, sentence, stream }) =>
      html`<li><a href="${pathOfEvent(event_id)}">${said(sentence)}</a> <small><a href="${pathOfStream(stream)}">${shortStream(stream)}</a></small></li>`,
  )}</ul></li>`
}

export async function showHistory(asked: Audit): Promise<Shown | undefined> {
  const thing = thingIn(asked)
  if (thing === undefined) return undefined
  const reader = readerOf(asked)
  const about = { name: thing, operatorId: reader.principal.operatorId }
  const from = readCursor(reader, 'history', about, asked.query.get('after') ?? undefined)
  const question = { type: 'audit.HistoryRead.v1' as const, data: { thing } }
  const page = await reading(asked, question, async (ground) => {
    const continuation = from ? { ...from, after: from.after } : await firstContinuation(ground.log)
    const answer = await readHistory(ground, thing, continuation, EVENTS_MAX)
    const isNothing = answer.described.length === 0 && (from?.found ?? 0) === 0 && !answer.next
    return { answer: isNothing ? undefined : answer, last: answer.last }
  })
  if (!page) return undefined
  const { described, next } = page
  for (const { raw } of described) asked.parts.places.set(raw.id, raw.position)
  const events = described.map((each) => shownEvent(reader, each))
  const found = (from?.found ?? 0) + events.length
  const after = next && writeCursor(reader, 'history', about, { ...next, teachers: [...next.teachers], found })
  return {
    title: `History of ${thing}`,
    content: html`<p class="tools">${link('State at any time', pathOf('states', thing))}</p>
${events.length === 0 ? html`<p class="empty">Nothing of it in this part of the log.</p>` : html`<ol class="tree history">${byRequest(events).map(groupMarkup)}</ol>`}
<nav class="pager" aria-label="Pages">${step('From the beginning', from && withQuery(asked, { after: undefined }))}
${step('Later', after === undefined ? undefined : withQuery(asked, { after }))}</nav>
${requestMarkup(asked, {
  path: `/audit/v1/history/${encodeURIComponent(thing)}`,
  command: `opslog audit history ${quoted(thing)}`,
})}`,
    sheet: {
      columns: ['recorded_at', 'position', 'stream', 'event_id', 'type', 'sentence', 'actor', 'request_id', 'data'],
      rows: events.map((each) => [
        ...[each.recorded_at, each.position, each.stream, each.event_id, each.type, each.sentence],
        ...[each.actor, each.request_id, each.data],
      ]),
    },
  }
}

/** As a shell takes it for one word. */
export const quoted = (text: string): string => (/^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
