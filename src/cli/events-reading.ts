/** What `opslog events` and `--follow` of a history print: events in the log's order, the newest last. */
import { describeIn, type Ground } from '../audit/history.ts'
import { isAfter } from '../audit/moment.ts'
import { createdAt, type RawEvent } from '../audit/raw-log.ts'
import type { DescribedEvent } from '../audit/timeline.ts'
import { eventView } from '../audit/view.ts'
import { HEARTBEAT } from '../events/registry.ts'
import { askLog } from './audit-session.ts'
import { followLog, untilInterrupted } from './following.ts'
import { momentOf } from './moment.ts'
import { screenWidth } from './screen.ts'
import { actorOf, storyOf } from './story.ts'
import type { Column } from './table.ts'
import { list, type OutputOptions, printSingly } from './table-output.ts'
import { CliError, EXIT, show } from './terminal.ts'

export interface EventsOptions extends OutputOptions {
  type?: string
  stream?: string
  since?: string
  until?: string
  limit: number
  follow?: boolean
}

/** What happened and when counts more than where it is kept. */
export const EVENT_HEAD: readonly Column[] = [
  { name: 'recorded', rank: 0 },
  { name: 'position', rank: 6 },
  { name: 'stream', rank: 2 },
  { name: 'revision', rank: 3 },
  { name: 'what happened', rank: 1, least: 24 },
  { name: 'by', rank: 4 },
  { name: 'request', rank: 7 },
  { name: 'command', rank: 8 },
  { name: 'type', rank: 5 },
]

export const eventRow = (one: DescribedEvent): string[] => [
  createdAt(one.raw).toISOString(),
  `${one.raw.position}`,
  one.raw.stream,
  `${one.raw.revision}`,
  one.sentence,
  actorOf(one),
  one.metadata?.requestId ?? '',
  one.metadata?.commandId ?? '',
  one.raw.type,
]

/** Sentences are for a screen; whoever names a form or columns gets those. */
const isStory = ({ json, csv, columns, wide, record }: OutputOptions): boolean =>
  !(json || csv || columns || wide || record) && screenWidth() !== undefined

export function printEvents(described: readonly DescribedEvent[], options: OutputOptions): void {
  if (isStory(options)) show(undefined, options, () => storyOf(described))
  else list(described.map(eventView), options, EVENT_HEAD, described.map(eventRow), '')
}

/** Prints events as they come, each by itself. */
export function printEventsSingly(options: OutputOptions): (one: DescribedEvent) => void {
  if (isStory(options)) return (one) => void process.stdout.write(`${storyOf([one])}\n`)
  const print = printSingly(options, EVENT_HEAD)
  return (one) => print(eventView(one), eventRow(one))
}

export async function events(options: EventsOptions): Promise<void> {
  if (options.follow && options.until) throw new CliError(EXIT.usage, '--follow has no end: leave --until out')
  const since = options.since === undefined ? undefined : momentOf(options.since)
  const until = options.until === undefined ? undefined : momentOf(options.until)
  const wanted = (event: RawEvent): boolean =>
    event.type !== HEARTBEAT &&
    event.type.startsWith(options.type ?? '') &&
    (options.stream === undefined || event.stream === options.stream) &&
    (since === undefined || isAfter(event, since))
  await askLog('events', async (ground, head) => {
    const found: RawEvent[] = []
    for await (const event of ground.log.readAll()) {
      if (event.position > head || (until && isAfter(event, until))) break
      ground.budget.spend()
      ground.onProgress?.(event.position)
      if (!wanted(event)) continue
      found.push(event)
      if (found.length > options.limit) found.shift()
    }
    const described: DescribedEvent[] = []
    for (const event of found) described.push(await describeIn(ground, event))
    ground.endProgress()
    if (!options.follow) return printEvents(described, options)
    await follow(ground, described, head, wanted, options)
  })
}

async function follow(
  ground: Ground,
  before: readonly DescribedEvent[],
  after: bigint,
  wanted: (event: RawEvent) => boolean,
  options: OutputOptions,
): Promise<void> {
  const print = printEventsSingly(options)
  before.forEach(print)
  await untilInterrupted(async (signal) => {
    for await (const event of followLog(ground.log, after === 0n ? undefined : after, signal)) {
      if (wanted(event)) print(await describeIn(ground, event))
    }
  })
}
