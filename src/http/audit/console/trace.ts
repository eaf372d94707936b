/** What a request, a command or an event has caused: as a tree, each step with its place on a line of time. */
import { html } from 'hono/html'
import type { DescribedEvent } from '../../../audit/timeline.ts'
import { flatten, readTrace, treeOf } from '../../../audit/trace.ts'
import type { Asked, Markup, Shown } from '../../pages/declaration.ts'
import { requestMarkup, step } from '../../pages/list.ts'
import { link, said, time, withQuery } from '../../pages/markup.ts'
import { type Column, table } from '../../pages/table.ts'
import type { AuditParts } from '../access.ts'
import { readCursor, writeCursor } from '../cursor.ts'
import { shownEvent } from '../positions.ts'
import { pathOfEvent, pathOfStream, type ShownEvent, shortStream } from './events.ts'
import { quoted } from './history.ts'
import { readerOf, reading } from './reader.ts'

type Audit = Asked<AuditParts>

const NAME_LENGTH_MAX = 512
/** Of what one request has caused; beside it only other requests that touched the same have a trace. */
const SPANS_LINKED_MAX = 5
/** Of the drawing, in its own units. */
const BAR = { width: 240, height: 14, least: 3 }
/** Steps are set in no deeper than this, so that a phone shows them. */
const DEPTH_SHOWN_MAX = 6

interface Step extends ShownEvent {
  depth: number
  step_ms: number
  since_start_ms: number
}

/** From its cause to the step, on the line from the first event to the last. */
function bar({ step_ms, since_start_ms }: Step, wholeMs: number): Markup {
  const scale = BAR.width / Math.max(1, wholeMs)
  const width = Math.max(BAR.least, step_ms * scale)
  const x = Math.min((since_start_ms - step_ms) * scale, BAR.width - width)
  return html`<svg class="bars" viewBox="0 0 ${BAR.width} ${BAR.height}" width="${BAR.width}" height="${BAR.height}" aria-hidden="true"><line x1="0" y1="7" x2="${BAR.width}" y2="7"/><rect x="${x.toFixed(1)}" y="2" width="${width.toFixed(1)}" height="10" rx="2"/></svg>`
}

const columnsOf = (wholeMs: number): readonly Column<Step>[] => [
  {
    name: 'sentence',
    label: 'What happened',
    show: ({ depth, sentence, event_id, type }) => {
      const within = Math.min(depth, DEPTH_SHOWN_MAX)
      return html`<span class="depth-${within}"><a href="${pathOfEvent(event_id)}">${said(sentence)}</a> <small>${type}</small></span>`
    },
  },
  { name: 'line', label: 'From its cause', show: (each) => bar(each, wholeMs) },
  { name: 'step_ms', label: 'Took, ms', isFigure: true, show: ({ step_ms }) => `${step_ms}` },
  { name: 'since_start_ms', label: 'Since the start, ms', isFigure: true, show: (each) => `${each.since_start_ms}` },
  {
    name: 'stream',
    label: 'Stream',
    show: ({ stream }) => html`<a href="${pathOfStream(stream)}">${shortStream(stream)}</a>`,
  },
  { name: 'recorded_at', label: 'Time', show: ({ recorded_at }) => time(recorded_at) },
]

/** The ways to the spans of these events, where there is a place that shows them. */
function spanLinks(template: string | undefined, described: readonly DescribedEvent[]): Markup {
  if (template === undefined) return html``
  const ids = new Set(described.flatMap(({ metadata }) => metadata?.traceparent?.split('-')[1] ?? []))
  if (ids.size === 0) return html``
  const shown = [...ids].slice(0, SPANS_LINKED_MAX)
  const links = shown.map((id) => html` ${link(`Spans of ${id.slice(0, 8)}`, template.replace('{trace_id}', id))}`)
  return html`<p class="tools">${links}</p>`
}

export async function showTrace(asked: Audit): Promise<Shown | undefined> {
  const { id = '' } = asked.params
  if (id === '' || id.length > NAME_LENGTH_MAX) return undefined
  const reader = readerOf(asked)
  const about = { name: id, operatorId: reader.principal.operatorId }
  const from = readCursor(reader, 'trace', about, asked.query.get('after') ?? undefined)
  const question = { type: 'audit.TraceRead.v1' as const, data: { of: id } }
  const found = await reading(asked, question, async (ground) => {
    const continuation = from
      ? { ...from, after: from.after }
      : { pass: 0, names: 0, after: undefined, until: (await ground.log.head()) ?? 0n, found: [] }
    const page = await readTrace(ground, id, continuation, asked.parts.limits.traceEventsMax)
    const isNothing = page.described.length === 0 && !page.next
    return { answer: isNothing ? undefined : { page, rules: ground.rules }, last: page.last }
  })
  if (!found) return undefined
  const { page, rules } = found
  const steps = flatten(treeOf(page.described, rules)).map(
    ({ node, depth }): Step => ({
      ...shownEvent(reader, node.described),
      depth,
      step_ms: node.stepMs,
      since_start_ms: node.sinceStartMs,
    }),
  )
  for (const { raw } of page.described) asked.parts.places.set(raw.id, raw.position)
  const wholeMs = Math.max(0, ...steps.map(({ since_start_ms }) => since_start_ms))
  const after = page.next && writeCursor(reader, 'trace', about, { ...page.next, found: [...page.next.found] })
  return {
    title: `Trace of ${id.slice(0, 8)}`,
    content: html`<p><code>${id}</code>: ${steps.length} ${steps.length === 1 ? 'step' : 'steps'} in ${wholeMs} ms${
      page.isCut ? html`, and more that are left out` : ''
    }.</p>
${spanLinks(asked.parts.traceUrlTemplate, page.described)}
${table('Steps', columnsOf(wholeMs), steps, ({ event_id }) => pathOfEvent(event_id))}
<nav class="pager" aria-label="Pages">${step('Look further', after === undefined ? undefined : withQuery(asked, { after }))}</nav>
${requestMarkup(asked, { path: `/audit/v1/traces/${encodeURIComponent(id)}`, command: `opslog audit trace ${quoted(id)}` })}`,
    sheet: {
      columns: ['event_id', 'type', 'sentence', 'stream', 'depth', 'step_ms', 'since_start_ms', 'recorded_at'],
      rows: steps.map((each) => [
        ...[each.event_id, each.type, each.sentence, each.stream, each.depth],
        ...[each.step_ms, each.since_start_ms, each.recorded_at],
      ]),
    },
  }
}
