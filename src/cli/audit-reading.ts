/** `opslog audit history | trace | as-of`: the log, as somebody reads it who asks about one thing. */

import { firstContinuation, readHistory, takeAdmitted } from '../audit/history.ts'
import { isAfter } from '../audit/moment.ts'
import type { RawEvent } from '../audit/raw-log.ts'
import { unlimited } from '../audit/scan.ts'
import { changesBetween, leaves, plain, readStates } from '../audit/state.ts'
import { createTimeline } from '../audit/timeline.ts'
import { flatten, readTrace, type TraceNode, treeOf } from '../audit/trace.ts'
import { eventView } from '../audit/view.ts'
import { askLog } from './audit-session.ts'
import { asOfTable } from './audit-table.ts'
import { auditRules } from './contexts.ts'
import { printEvents, printEventsSingly } from './events-reading.ts'
import { followLog, untilInterrupted } from './following.ts'
import { momentOf } from './moment.ts'
import { screenWidth, widthOf, wrapped } from './screen.ts'
import { actorOf } from './story.ts'
import { idShortener } from './table.ts'
import { list, type OutputOptions } from './table-output.ts'
import { CliError, colours, EXIT, show } from './terminal.ts'
import { isBeginning, wholeId } from './whole-id.ts'
import type { WindowOptions } from './window-options.ts'

export interface HistoryOptions extends OutputOptions, WindowOptions {
  follow?: boolean
}

export async function history(named: string, options: HistoryOptions): Promise<void> {
  const thing = await wholeThing(named)
  if (options.follow && options.until) throw new CliError(EXIT.usage, '--follow has no end: leave --until out')
  const isWanted = withinWindow(options)
  if (options.follow) return followHistory(thing, isWanted, options)
  const { described } = await askLog('history', async (ground) =>
    readHistory(ground, thing, await firstContinuation(ground.log), Number.POSITIVE_INFINITY),
  )
  if (described.length === 0) throw nothingOf(thing)
  const wanted = described.filter(({ raw }) => isWanted(raw))
  printEvents(options.limit === undefined ? wanted : wanted.slice(-options.limit), options)
}

/** Whether an event lies in the time that was asked for. Throws CliError (usage). */
function withinWindow({ since, until }: WindowOptions): (event: RawEvent) => boolean {
  const [from, to] = [since, until].map((each) => (each === undefined ? undefined : momentOf(each)))
  return (event) => (!from || isAfter(event, from)) && !(to && isAfter(event, to))
}

/** An address of a chain, whose letters may be large or small: events have it in the case that checks it. */
const ADDRESS = /^0x[0-9a-f]{40}$/i

/**
 * The id in the log that a beginning of one stands for, or an address in any case; else the text itself. Throws CliError where
 * there are several.
 */
async function wholeThing(named: string): Promise<string> {
  if (ADDRESS.test(named)) {
    const found = await writtenAs(new RegExp(`"(${named})"`, 'gi'))
    return found.has(named) ? named : ([...found][0] ?? named)
  }
  if (!isBeginning(named)) return named
  const found = await writtenAs(new RegExp(`"(${named}[0-9A-Za-z-]*)"`, 'g'))
  return found.has(named) ? named : (wholeId(named, found) ?? named)
}

/** What the expression has in its brackets, wherever it stands in the log. */
async function writtenAs(quoted: RegExp): Promise<Set<string>> {
  const found = new Set<string>()
  await askLog('ids', async ({ log }) => {
    for await (const { data, metadata } of log.readAll()) {
      const text = Buffer.concat([data, metadata]).toString('latin1')
      for (const [, id = ''] of text.matchAll(quoted)) found.add(id)
    }
  })
  return found
}

/** From the thing's first event on; what comes is printed as it comes. */
async function followHistory(
  thing: string,
  isWanted: (event: RawEvent) => boolean,
  options: OutputOptions,
): Promise<void> {
  const print = printEventsSingly(options)
  await askLog('history', async (ground) => {
    ground.endProgress()
    const timeline = createTimeline(thing, auditRules)
    await untilInterrupted(async (signal) => {
      for await (const event of followLog(ground.log, undefined, signal)) {
        if (timeline.concerns(event))
          await takeAdmitted(ground, timeline, event, isWanted(event) ? print : () => undefined)
      }
    })
  })
}

const nothingOf = (thing: string) =>
  new CliError(
    EXIT.refused,
    `no event concerns ${thing}`,
    'Ask by a stream, an id, an external id, a slug, or a request.',
  )

export async function trace(named: string, options: OutputOptions): Promise<void> {
  const name = await wholeThing(named)
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
  show(roots.map(nodeJson), options, () => treeText(roots, options))
}

/** On a screen with short ids, and with lines that go on within their branch. */
function treeText(roots: readonly TraceNode[], options: OutputOptions): string {
  const width = options.wide ? undefined : screenWidth()
  const streams = flatten(roots).map(({ node }) => node.described.raw.stream)
  const shorten = width === undefined ? (text: string) => text : idShortener(streams)
  return roots.map((root) => nodeText(root, '', '', { width, shorten })).join('\n')
}

const nodeJson = (node: TraceNode): object => ({
  ...eventView(node.described),
  step_ms: node.stepMs,
  since_start_ms: node.sinceStartMs,
  effects: node.effects.map(nodeJson),
})

interface Drawing {
  width: number | undefined
  shorten(text: string): string
}

function nodeText(node: TraceNode, own: string, below: string, drawing: Drawing): string {
  const { width, shorten } = drawing
  const { raw, metadata, sentence } = node.described
  const request =
    own === '' && metadata?.requestId
      ? ` ${colours.dim(`request ${metadata.requestId}, ${actorOf(node.described)}`)}`
      : ''
  const where = colours.dim(`+${node.stepMs} ms ${shorten(raw.stream)} ${raw.revision}`)
  const last = node.effects.length - 1
  const text = `${sentence} ${where}${request}`
  const [first = '', ...more] = wrapped(text, width && Math.max(10, width - widthOf(own) - 2)).split('\n')
  return [
    own + first,
    ...more.map((line) => `${below}${last >= 0 ? '│ ' : '  '}${line}`),
    ...node.effects.map((effect, index) => {
      const [mark, rest] = index === last ? ['└─ ', '   '] : ['├─ ', '│  ']
      return nodeText(effect, below + mark, below + rest, drawing)
    }),
  ].join('\n')
}

export interface AsOfOptions extends OutputOptions {
  at: string
  diff?: string
  table?: string
}

export async function asOf(named: string | undefined, options: AsOfOptions): Promise<void> {
  const at = momentOf(options.at)
  if (options.table) return asOfTable(options.table, at, options)
  if (!named) throw new CliError(EXIT.usage, 'name a thing, or a --table')
  const thing = await wholeThing(named)
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
