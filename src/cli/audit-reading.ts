/** `opslog audit history | trace | as-of`: the log, as somebody reads it who asks about one thing. */
import { firstContinuation, readHistory } from '../audit/history.ts'
import { createdAt } from '../audit/raw-log.ts'
import { unlimited } from '../audit/scan.ts'
import { changesBetween, leaves, plain, readStates } from '../audit/state.ts'
import type { DescribedEvent } from '../audit/timeline.ts'
import { flatten, readTrace, type TraceNode, treeOf } from '../audit/trace.ts'
import { eventView } from '../audit/view.ts'
import { askLog, momentOf } from './audit-session.ts'
import { asOfTable } from './audit-table.ts'
import { auditRules } from './contexts.ts'
import { list, type OutputOptions } from './table-output.ts'
import { CliError, colours, EXIT, show } from './terminal.ts'

const actorOf = ({ metadata }: DescribedEvent): string =>
  metadata
    ? [metadata.actor.kind, metadata.actor.id, ...(metadata.actor.keyId ? [`key ${metadata.actor.keyId}`] : [])].join(
        ' ',
      )
    : ''

export async function history(thing: string, options: OutputOptions): Promise<void> {
  const { described } = await askLog('history', async (ground) =>
    readHistory(ground, thing, await firstContinuation(ground.log), Number.POSITIVE_INFINITY),
  )
  if (described.length === 0) throw nothingOf(thing)
  list(
    described.map(eventView),
    options,
    ['recorded', 'position', 'stream', 'revision', 'what happened', 'by', 'request', 'command'],
    described.map((one) => [
      createdAt(one.raw).toISOString(),
      `${one.raw.position}`,
      one.raw.stream,
      `${one.raw.revision}`,
      one.sentence,
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
    `no event concerns ${thing}`,
    'Ask by a stream, an id, an external id, a slug, or a request.',
  )

export async function trace(name: string, options: OutputOptions): Promise<void> {
  const { described } = await askLog('trace', (ground, head) =>
    readTrace(ground, name, { pass: 0, names: 0, after: undefined, until: head, found: [] }, Number.POSITIVE_INFINITY),
  )
  const roots = treeOf(described, auditRules)
  if (roots.length === 0) throw nothingOf(name)
  if (options.csv) {
    const rows = flatten(roots).map(({ node, depth }) => [
      `${depth}`,
      `${node.sinceStartMs}`,
      `${node.stepMs}`,
      node.described.raw.stream,
      `${node.described.raw.revision}`,
      node.described.raw.type,
      node.described.sentence,
    ])
    list(rows, options, ['depth', 'since_start_ms', 'step_ms', 'stream', 'revision', 'type', 'sentence'], rows, '')
    return
  }
  show(roots.map(nodeJson), options, () => roots.map((root) => nodeText(root, '', '')).join('\n'))
}

const nodeJson = (node: TraceNode): object => ({
  ...eventView(node.described),
  step_ms: node.stepMs,
  since_start_ms: node.sinceStartMs,
  effects: node.effects.map(nodeJson),
})

function nodeText(node: TraceNode, own: string, below: string): string {
  const { raw, metadata } = node.described
  const request =
    own === '' && metadata?.requestId
      ? ` ${colours.dim(`request ${metadata.requestId}, ${actorOf(node.described)}`)}`
      : ''
  const time = colours.dim(`+${node.stepMs} ms`)
  const line = `${own}${node.described.sentence} ${time} ${colours.dim(`${raw.stream} ${raw.revision}`)}${request}`
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
  const { states } = await askLog('as of', (ground, until) => {
    const moments = other === undefined ? [at] : [at, other]
    const from = { after: undefined, until, teachers: [], categories: [] }
    return readStates(ground, { thing, moments, folding: unlimited() }, from)
  })
  const [state = [], otherState = []] = states
  if (other === undefined) {
    if (state.length === 0) throw new CliError(EXIT.refused, `there was nothing of ${thing} at ${options.at}`)
    const rows = state.flatMap(({ stream, state: value }) => leaves(value).map(([path, json]) => [stream, path, json]))
    const value = state.map((one) => plain(one))
    list(value, options, ['stream', 'what', 'value'], rows, '')
    return
  }
  const changes = changesBetween(state, otherState)
  const rows = changes.map(({ stream, path, before, after }) => [stream, path, before ?? '', after ?? ''])
  list(changes, options, ['stream', 'what', options.at, options.diff ?? ''], rows, 'nothing differs')
}
