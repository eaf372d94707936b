/** What was true of a thing at a moment, and at another one beside it, with what differs marked. */
import { html } from 'hono/html'
import { firstContinuation, readHistory } from '../../../audit/history.ts'
import { isAfter, type Moment } from '../../../audit/moment.ts'
import { createBudget } from '../../../audit/scan.ts'
import { changesBetween, leaves, plain, readStates, type StreamAt } from '../../../audit/state.ts'
import type { DescribedEvent } from '../../../audit/timeline.ts'
import type { Asked, Markup, Shown } from '../../pages/declaration.ts'
import { requestMarkup, step } from '../../pages/list.ts'
import { link, pathOf, said, section, time, withQuery } from '../../pages/markup.ts'
import { type Column, table } from '../../pages/table.ts'
import type { AuditParts } from '../access.ts'
import { shownEvent, shownPosition, withoutPositions } from '../positions.ts'
import { momentIn, pathOfEvent, pathOfStream } from './events.ts'
import { quoted, thingIn } from './history.ts'
import { readerOf, reading } from './reader.ts'

type Audit = Asked<AuditParts>

/** Of the thing's own, among which one steps. */
const EVENTS_MAX = 200

interface Found {
  /** At the moment that is looked at, and at the one that it is compared with. */
  now: StreamAt[]
  before: StreamAt[] | undefined
  events: readonly DescribedEvent[]
  /** The log is too long for one look: what is missing is in streams that were not met. */
  isCut: boolean
}

async function find(asked: Audit, thing: string, at: Moment | undefined, from: Moment | undefined) {
  const record = { thing, at: asked.query.get('at') || null, diffFrom: asked.query.get('diffFrom') || null }
  return reading(asked, { type: 'audit.StateRead.v1' as const, data: record }, async (ground) => {
    const start = await firstContinuation(ground.log)
    const history = await readHistory(ground, thing, start, EVENTS_MAX)
    const { stateEventsMax: eventsMax, timeMaxMs } = asked.parts.limits
    const folding = createBudget({ eventsMax, timeMaxMs, signal: asked.caller.signal() })
    const end = { position: start.until }
    const moments = [at ?? end, ...(from ? [from] : [])]
    const { states, next, last } = await readStates(ground, { thing, moments, folding }, { ...start, categories: [] })
    const [now = [], before] = states
    const isNothing = history.described.length === 0 && now.length === 0 && !next
    const answer: Found = { now, before, events: history.described, isCut: next !== undefined }
    return { answer: isNothing ? undefined : answer, last }
  })
}

interface Leaf {
  path: string
  now: string | undefined
  before: string | undefined
  isChanged: boolean
}

/** Every value of a stream's state, with the one that it had at the other moment. */
function leavesOf(asked: Audit, stream: string, { now, before }: Found): Leaf[] {
  const reader = readerOf(asked)
  const flat = (states: StreamAt[] = []) => {
    const found = states.find((each) => each.stream === stream)
    return new Map(found ? leaves(withoutPositions(reader, stream, plain(found.state))) : [])
  }
  const [values, old] = [flat(now), flat(before)]
  const changed = new Set(
    changesBetween(before ?? [], now).flatMap((change) => (change.stream === stream ? [change.path] : [])),
  )
  const paths = [...new Set([...old.keys(), ...values.keys()])]
  return paths.map((path) => ({
    path,
    now: values.get(path),
    before: old.get(path),
    isChanged: before !== undefined && changed.has(path),
  }))
}

const shownLeaf = (json: string | undefined): Markup =>
  json === undefined ? html`<span class="none">not there</span>` : said(json.replace(/^"(.*)"$/s, '$1'))

function columnsFor(isCompared: boolean): readonly Column<Leaf>[] {
  const path: Column<Leaf> = { name: 'path', label: 'Field', show: (each) => html`<code>${each.path}</code>` }
  const now: Column<Leaf> = { name: 'now', label: 'Value', show: (each) => shownLeaf(each.now) }
  if (!isCompared) return [path, now]
  return [
    path,
    { name: 'before', label: 'At the other moment', show: ({ before }) => shownLeaf(before) },
    { ...now, label: 'At this moment' },
    { name: 'difference', label: 'Difference', show: ({ isChanged }) => (isChanged ? html`<mark>differs</mark>` : '') },
  ]
}

function streamMarkup(asked: Audit, stream: string, found: Found): Markup {
  const at = found.now.find((each) => each.stream === stream)
  const all = leavesOf(asked, stream, found)
  const isOnlyDifferences = asked.query.get('only') === 'differences'
  const rows = isOnlyDifferences && found.before ? all.filter(({ isChanged }) => isChanged) : all
  const about = at
    ? html`<p class="small">Revision ${at.revision}, last event ${time(at.lastEventAt)}. <a href="${pathOfStream(stream)}">Its events</a></p>`
    : html`<p class="small">It did not exist at this moment.</p>`
  const columns = columnsFor(found.before !== undefined)
  const values =
    rows.length === 0 ? html`<p class="empty">Nothing differs.</p>` : table(`State of ${stream}`, columns, rows)
  return section(stream, html`${about}${values}`)
}

/** The two moments, as an address. */
const momentForm = ({ path, query }: Audit): Markup => {
  const field = (name: string, label: string) =>
    html`<label>${label} <input name="${name}" value="${query.get(name) ?? ''}" size="24" placeholder="2026-01-31 09:00, or a position" autocomplete="off"></label>`
  const isOnly = query.get('only') === 'differences'
  return html`<form class="filters" method="get" action="/console${path}">
${field('at', 'At')}${field('diffFrom', 'Compared with')}
<label>Show <select name="only"><option value="">every field</option><option value="differences"${isOnly ? html` selected` : ''}>what differs</option></select></label>
<button>Show</button> <a class="button" href="/console${path}">Now</a>
</form>
`
}

/** The thing's own events: each leads to the state behind it, and to what it has changed. */
function steps(asked: Audit, events: readonly DescribedEvent[]): Markup {
  const reader = readerOf(asked)
  const rows = events.map((each, index) => ({
    ...shownEvent(reader, each),
    behind: shownPosition(reader, each.raw.position),
    before: index === 0 ? undefined : shownPosition(reader, events[index - 1]!.raw.position),
  }))
  const columns: readonly Column<(typeof rows)[number]>[] = [
    { name: 'recorded_at', label: 'Time', show: ({ recorded_at }) => time(recorded_at) },
    { name: 'sentence', label: 'What happened', show: (each) => link(said(each.sentence), pathOfEvent(each.event_id)) },
    {
      name: 'state',
      label: 'State',
      show: ({ behind, before }) =>
        html`${link('behind it', withQuery(asked, { at: behind, diffFrom: undefined }))}${
          before === undefined
            ? ''
            : html`, ${link('what it changed', withQuery(asked, { at: behind, diffFrom: before, only: 'differences' }))}`
        }`,
    },
  ]
  return section('Moments of its own', table('Moments of its own', columns, rows.toReversed()))
}

/** One event earlier, and one later. */
function stepper(asked: Audit, { events }: Found, at: Moment | undefined): Markup {
  const reader = readerOf(asked)
  const positions = events.map(({ raw }) => raw.position)
  const here = events.filter(({ raw }) => !at || !isAfter(raw, at)).length - 1
  const address = (index: number) =>
    positions[index] === undefined ? undefined : withQuery(asked, { at: shownPosition(reader, positions[index]) })
  return html`<nav class="pager" aria-label="Moments">${step('One event earlier', here > 0 ? address(here - 1) : undefined)}
<span>event ${Math.max(0, here + 1)} of ${events.length}</span>
${step('One event later', address(here + 1))}</nav>`
}

export async function showStates(asked: Audit): Promise<Shown | undefined> {
  const thing = thingIn(asked)
  if (thing === undefined) return undefined
  const [at, from] = [momentIn(asked, 'at'), momentIn(asked, 'diffFrom')]
  const found = await find(asked, thing, at, from)
  if (!found) return undefined
  const streams = [...new Set([...(found.before ?? []), ...found.now].map(({ stream }) => stream))]
  const cut = found.isCut
    ? html`<p role="status">The log is too long for one look: ask the command line, or name the stream.</p>`
    : ''
  const none = streams.length === 0 ? html`<p class="empty">There was nothing of it at this moment.</p>` : ''
  const command = `opslog audit as-of ${quoted(thing)}${at ? ` --at ${quoted(asked.query.get('at') ?? '')}` : ''}`
  return {
    title: `State of ${thing}`,
    content: html`<p class="tools">${link('History', pathOf('history', thing))}</p>${momentForm(asked)}
${stepper(asked, found, at)}${cut}${none}${streams.map((stream) => streamMarkup(asked, stream, found))}
${steps(asked, found.events)}${requestMarkup(asked, { path: `/audit/v1/states/${encodeURIComponent(thing)}`, command })}`,
  }
}
