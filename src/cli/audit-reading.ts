/** `opslog audit history | trace | as-of`: the log, as somebody reads it who asks about one thing. */
import { createdAt, type RawEvent, type RawLog } from '../audit/raw-log.ts'
import { sentenceOf } from '../audit/sentences.ts'
import { changesBetween, leaves, statesOf } from '../audit/state.ts'
import { createTimeline, idOf, type Told } from '../audit/timeline.ts'
import { createGathering, type TraceNode, treeOf } from '../audit/trace.ts'
import { allFolds, type Moment, momentOf, withRawLog } from './audit-session.ts'
import { asOfTable } from './audit-table.ts'
import { showProgress } from './progress-bar.ts'
import { list, type OutputOptions } from './table-output.ts'
import { CliError, colours, EXIT, show } from './terminal.ts'

const PROGRESS_EVENTS = 5_000
/** Passes over the log until a trace has found all its names. */
const PASSES_MAX = 4

/** Every event of the log up to a moment, in order, with progress. */
async function scan(
  log: RawLog,
  title: string,
  until: Moment | undefined,
  work: (event: RawEvent) => void,
): Promise<void> {
  const target = (await log.head()) ?? 0n
  const progress = showProgress(title)
  let events = 0
  try {
    for await (const event of log.readAll()) {
      if (until && isAfter(event, until)) break
      work(event)
      events += 1
      if (events % PROGRESS_EVENTS === 0) progress.update({ position: event.position, target, events })
    }
  } finally {
    progress.stop()
  }
}

export const isAfter = (event: RawEvent, moment: Moment): boolean =>
  'position' in moment ? event.position > moment.position : createdAt(event) > moment.time

const actorOf = ({ metadata }: Told): string =>
  metadata
    ? [metadata.actor.kind, metadata.actor.id, ...(metadata.actor.keyId ? [`key ${metadata.actor.keyId}`] : [])].join(
        ' ',
      )
    : ''

const tellingOf = (told: Told): string =>
  told.fault === undefined ? sentenceOf(told.event) : `cannot be read: ${told.fault}`

const eventJson = (told: Told) => ({
  recorded_at: createdAt(told.raw).toISOString(),
  position: `${told.raw.position}`,
  stream: told.raw.stream,
  revision: `${told.raw.revision}`,
  event_id: told.raw.id,
  type: told.raw.type,
  sentence: tellingOf(told),
  actor: told.metadata?.actor ?? null,
  request_id: told.metadata?.requestId ?? null,
  command_id: told.metadata?.commandId ?? null,
  correlation_id: told.metadata?.$correlationId ?? null,
  causation_id: told.metadata?.$causationId ?? null,
  data: told.event.data,
})

export async function history(thing: string, options: OutputOptions): Promise<void> {
  const told: Told[] = []
  await withRawLog((log) => {
    const timeline = createTimeline(thing)
    return scan(log, 'history', undefined, (event) => {
      const found = timeline.take(event)
      if (found) told.push(found)
    })
  })
  if (told.length === 0) throw nothingOf(thing)
  list(
    told.map(eventJson),
    options,
    ['recorded', 'position', 'stream', 'revision', 'what happened', 'by', 'request', 'command'],
    told.map((one) => [
      createdAt(one.raw).toISOString(),
      `${one.raw.position}`,
      one.raw.stream,
      `${one.raw.revision}`,
      tellingOf(one),
      actorOf(one),
      one.metadata?.requestId ?? '',
      one.metadata?.commandId ?? '',
    ]),
    '',
  )
}

const nothingOf = (thing: string) =>
  new CliError(
    EXIT.refused,
    `no event tells of ${thing}`,
    'Ask by a stream, an id, an external id, a slug, or a request.',
  )

export async function trace(name: string, options: OutputOptions): Promise<void> {
  const gathering = createGathering(name)
  await withRawLog(async (log) => {
    for (let pass = 0; pass < PASSES_MAX; pass++) {
      const before = gathering.names()
      gathering.rewind()
      await scan(log, 'trace', undefined, gathering.take)
      // A name that was learnt behind an event that it belongs to is found by going over the log again.
      if (gathering.names() === before) break
    }
  })
  const roots = treeOf(gathering.found())
  if (roots.length === 0) throw nothingOf(name)
  if (options.csv) {
    const rows = flatten(roots).map(({ node, depth }) => [
      `${depth}`,
      `${node.sinceStartMs}`,
      `${node.stepMs}`,
      node.told.raw.stream,
      `${node.told.raw.revision}`,
      node.told.raw.type,
      tellingOf(node.told),
    ])
    list(rows, options, ['depth', 'since_start_ms', 'step_ms', 'stream', 'revision', 'type', 'sentence'], rows, '')
    return
  }
  show(roots.map(nodeJson), options, () => roots.map((root) => nodeText(root, '', '')).join('\n'))
}

const nodeJson = (node: TraceNode): object => ({
  ...eventJson(node.told),
  step_ms: node.stepMs,
  since_start_ms: node.sinceStartMs,
  effects: node.effects.map(nodeJson),
})

const flatten = (nodes: readonly TraceNode[], depth = 0): { node: TraceNode; depth: number }[] =>
  nodes.flatMap((node) => [{ node, depth }, ...flatten(node.effects, depth + 1)])

function nodeText(node: TraceNode, own: string, below: string): string {
  const { raw, metadata } = node.told
  const request =
    own === '' && metadata?.requestId ? ` ${colours.dim(`request ${metadata.requestId}, ${actorOf(node.told)}`)}` : ''
  const time = colours.dim(`+${node.stepMs} ms`)
  const line = `${own}${tellingOf(node.told)} ${time} ${colours.dim(`${raw.stream} ${raw.revision}`)}${request}`
  const last = node.effects.length - 1
  return [
    line,
    ...node.effects.map((effect, index) =>
      nodeText(effect, `${below}${index === last ? '└─ ' : '├─ '}`, `${below}${index === last ? '   ' : '│  '}`),
    ),
  ].join('\n')
}

export interface AsOfOptions extends OutputOptions {
  at: string
  diff?: string
  table?: string
}

export async function asOf(thing: string | undefined, options: AsOfOptions): Promise<void> {
  const at = momentOf(options.at)
  if (options.table) return asOfTable(options.table, at, options)
  if (!thing) throw new CliError(EXIT.usage, 'name a thing, or a --table')
  const other = options.diff === undefined ? undefined : momentOf(options.diff)
  const folds = await allFolds()
  const told: Told[] = []
  const timeline = createTimeline(thing)
  await withRawLog((log) =>
    scan(log, 'as of', undefined, (event) => {
      const found = timeline.take(event)
      if (found) told.push(found)
    }),
  )
  const own = told.filter(({ raw }) => timeline.ids().has(idOf(raw.stream)))
  const stateAt = (moment: Moment) =>
    statesOf(
      own.filter(({ raw }) => !isAfter(raw, moment)),
      folds,
      ({ raw }) => createdAt(raw).toISOString(),
    )
  const state = stateAt(at)
  if (other === undefined) {
    if (state.length === 0) throw new CliError(EXIT.refused, `there was nothing of ${thing} at ${options.at}`)
    const rows = state.flatMap(({ stream, state: value }) => leaves(value).map(([path, json]) => [stream, path, json]))
    const value = state.map((one) => ({ ...one, revision: `${one.revision}` }))
    list(value, options, ['stream', 'what', 'value'], rows, '')
    return
  }
  const changes = changesBetween(state, stateAt(other))
  const rows = changes.map(({ stream, path, before, after }) => [stream, path, before ?? '', after ?? ''])
  list(changes, options, ['stream', 'what', options.at, options.diff ?? ''], rows, 'nothing differs')
}
