/** Everything about one event: what it says, who caused it, whether its chain holds here, its neighbours and its effects. */
import { html } from 'hono/html'
import { linkOf } from '../../../audit/chain.ts'
import { describeIn, type Ground } from '../../../audit/history.ts'
import { fitting, readNewest } from '../../../audit/newest.ts'
import type { RawEvent } from '../../../audit/raw-log.ts'
import { isUuid } from '../../../events/uuid.ts'
import { snakeCase } from '../../../runtime/letter-case.ts'
import type { Asked, Markup, Shown } from '../../pages/declaration.ts'
import { type Field, fields, link, pathOf, said, section, state, time, wholeId } from '../../pages/markup.ts'
import { rowsTable } from '../../pages/table.ts'
import type { AuditParts } from '../access.ts'
import { shownEvent } from '../positions.ts'
import { eventColumns, pathOfEvent, pathOfStream, type ShownEvent } from './events.ts'
import { readerOf, reading } from './reader.ts'

type Audit = Asked<AuditParts>

/** Events behind this one among which its effects are looked for. */
const EFFECTS_WITHIN = 2_000
const EFFECTS_MAX = 50

interface Neighbourhood {
  raw: RawEvent
  shown: ShownEvent
  previous: RawEvent | undefined
  next: RawEvent | undefined
  effects: ShownEvent[]
}

/** Where the event stands is remembered of lists that showed it; else the log is searched from its end. */
async function find({ parts: { places } }: Audit, ground: Ground, id: string): Promise<RawEvent | undefined> {
  const place = places.get(id)
  const known = place === undefined ? undefined : await ground.log.at(place)
  if (known?.id === id) return (await ground.scope.admit([known]))[0]
  const page = await readNewest(ground, { eventId: id }, undefined, 1)
  return page.described[0]?.raw
}

async function neighbourhood(asked: Audit, ground: Ground, id: string): Promise<Neighbourhood | undefined> {
  const raw = await find(asked, ground, id)
  if (!raw) return undefined
  const reader = readerOf(asked)
  const at = async (revision: bigint) =>
    revision < 0n ? undefined : (await Array.fromAsync(ground.log.readStream(raw.stream, revision, 1n)))[0]
  const [previous, next] = await Promise.all([at(raw.revision - 1n), at(raw.revision + 1n)])
  const shown = shownEvent(reader, await describeIn(ground, raw))
  return { raw, shown, previous, next, effects: await effectsOf(asked, ground, raw) }
}

/** What names this event as its cause, as far as it came soon. */
async function effectsOf(asked: Audit, ground: Ground, { id, position }: RawEvent): Promise<ShownEvent[]> {
  const names = fitting({ mentions: id })
  const found: RawEvent[] = []
  let seen = 0
  for await (const event of ground.log.readAll(position)) {
    ground.budget.spend()
    seen += 1
    if (names(event)) found.push(event)
    if (seen >= EFFECTS_WITHIN || found.length >= EFFECTS_MAX || ground.budget.isSpent()) break
  }
  const reader = readerOf(asked)
  const described = await Promise.all((await ground.scope.admit(found)).map((event) => describeIn(ground, event)))
  for (const { raw } of described) asked.parts.places.set(raw.id, raw.position)
  return described.filter(({ metadata }) => metadata?.$causationId === id).map((each) => shownEvent(reader, each))
}

/** Whether the event's own hash fits its bytes, and follows from the event before it. */
function chainOf({ raw, previous }: Neighbourhood): Markup {
  const own = linkOf(raw)
  if (typeof own === 'string') return html`${state('broken')} ${own}`
  const before = previous && linkOf(previous)
  if (typeof before === 'string') return html`${state('broken')} the event before it: ${before}`
  if ((before?.hash ?? '') !== own.prevHash) return html`${state('broken')} it does not follow the event before it`
  return html`${state('holds')}`
}

const dataFields = (data: object): Markup =>
  fields(
    Object.entries(data).map(([name, value]): Field => {
      const text =
        typeof value === 'object' && value !== null
          ? html`<pre tabindex="0">${JSON.stringify(value, null, 2)}</pre>`
          : undefined
      return { name: snakeCase(name), value, ...(text ? { show: text } : {}) }
    }),
  )

function content(found: Neighbourhood): Markup {
  const { shown, previous, next, effects } = found
  const { actor, data, stream, event_id } = shown
  const step = (event: RawEvent | undefined, says: string) =>
    event ? link(says, pathOfEvent(event.id)) : html`<span class="none">${says}: none</span>`
  const about: Field[] = [
    { name: 'event_id', value: event_id },
    { name: 'type', value: shown.type },
    { name: 'stream', value: stream, show: html`<a href="${pathOfStream(stream)}">${stream}</a>` },
    { name: 'revision', value: shown.revision },
    { name: 'position', value: shown.position },
    {
      name: 'recorded_at',
      value: shown.recorded_at,
      show: html`${shown.recorded_at} <small>(${time(shown.recorded_at)})</small>`,
    },
    { name: 'actor', value: actor, ...(actor ? { show: html`${actor.kind} ${said(actor.id)}` } : {}) },
    { name: 'key_id', value: actor?.key_id ?? null },
    ...(['request_id', 'command_id', 'correlation_id', 'causation_id'] as const).map(
      (name): Field => traced(name, shown[name]),
    ),
    { name: 'hash', value: shown.hash },
    { name: 'chain', value: '', label: 'Chain here', show: chainOf(found) },
  ]
  return html`<p>${said(shown.sentence)}</p>
<p class="tools">${step(previous, 'Previous in its stream')} ${step(next, 'Next in its stream')}
${link('Trace', pathOf('traces', event_id))} ${link('History of its thing', pathOf('history', stream))}</p>
${section('Envelope', fields(about))}
${section('Data', dataFields(data))}
${section('What it caused', rowsTable('What it caused', effects, 'Nothing that came soon names it as its cause.', eventColumns))}
${section('As JSON', html`<pre tabindex="0">${JSON.stringify(shown, null, 2)}</pre>`)}`
}

const traced = (name: string, value: string | null): Field => ({
  name,
  value,
  ...(value === null
    ? {}
    : { show: html`${wholeId(value, name.replaceAll('_', ' '))} ${link('Trace', pathOf('traces', value))}` }),
})

export async function showEvent(asked: Audit): Promise<Shown | undefined> {
  const id = (asked.params.event ?? '').toLowerCase()
  if (!isUuid(id)) return undefined
  const question = { type: 'audit.TraceRead.v1' as const, data: { of: id } }
  const found = await reading(asked, question, async (ground) => {
    const answer = await neighbourhood(asked, ground, id)
    return { answer, last: answer?.raw.position }
  })
  return found && { title: found.shown.type, content: content(found) }
}
