/**
 * The tree of causes and effects that one request, command or correlation has grown: from the request through every
 * stream to what the engine and the webhooks made of it. Events are gathered while the log passes by; an effect stands
 * after its cause, and what is learnt late is caught by a second pass.
 */
import { isOthers } from './chain.ts'
import type { AuditRules } from './declarations.ts'
import { describeIn, type Ground } from './history.ts'
import { createdAt, type RawEvent } from './raw-log.ts'
import { walk } from './scan.ts'
import type { DescribedEvent } from './timeline.ts'

export interface Gathering {
  /** Whether one of the names stands in the event. */
  concerns(event: RawEvent): boolean
  /** Takes the event in where it belongs. */
  take(described: DescribedEvent): void
  /** In the order in which they were found, which is the log's within a pass. */
  found(): readonly DescribedEvent[]
  /** Names that belong to it; where a pass has added some, another pass may find more. */
  names(): number
}

function createGathering(name: string, rules: AuditRules): Gathering {
  const names = new Set([name])
  const needles = [Buffer.from(name)]
  const found = new Map<string, DescribedEvent>()

  const learn = (value: unknown) => {
    if (typeof value !== 'string' || names.has(value)) return
    names.add(value)
    needles.push(Buffer.from(value))
  }

  /** Names that a metadata field may carry it by; what is only mentioned does not belong to it. */
  function belongs({ raw, event, metadata }: DescribedEvent): boolean {
    if (!metadata) return false
    const { $correlationId, $causationId, commandId, requestId } = metadata
    return [raw.id, $correlationId, $causationId, commandId, requestId, event.data.commandId].some(
      (value) => typeof value === 'string' && names.has(value),
    )
  }

  return {
    found: () => [...found.values()],
    names: () => names.size,
    concerns(raw) {
      const parts = rules.isReading(raw.stream) ? [raw.metadata] : [raw.metadata, raw.data]
      const buffers = parts.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
      return names.has(raw.id) || needles.some((needle) => buffers.some((text) => text.includes(needle)))
    },
    take(described) {
      if (found.has(described.raw.id) || !belongs(described)) return
      found.set(described.raw.id, described)
      for (const value of [
        described.metadata?.$correlationId,
        described.metadata?.commandId,
        described.event.data.commandId,
      ])
        learn(value)
    },
  }
}

/** Passes over the log until a trace has found all its names. */
const PASSES_MAX = 4

/** Where a trace is taken up again. */
export interface TraceContinuation {
  pass: number
  /** Names that were known when this pass began. */
  names: number
  /** In this pass, the last event that was looked at. */
  after: bigint | undefined
  /** The log's end when it was asked first. */
  until: bigint
  /** Positions of the events that belong to it, in the order in which they were found. */
  found: readonly bigint[]
}

export interface TraceRead {
  described: readonly DescribedEvent[]
  /** Undefined: this is the last page. */
  next: TraceContinuation | undefined
  last: bigint | undefined
  /** It has more events than were asked for; those that came later are left out. */
  isCut: boolean
}

/**
 * The events that belong to a name. A name that is learnt behind an event that it belongs to is found by going over the
 * log again, so the last pass is the one that has learnt nothing.
 */
export async function readTrace(
  ground: Ground,
  name: string,
  from: TraceContinuation,
  eventsMax: number,
): Promise<TraceRead> {
  const { log, scope, budget, onProgress } = ground
  const gathering = createGathering(name, ground.rules)
  let seen = 0
  const take = async (event: RawEvent) => {
    if (isOthers(event, log.registry)) return
    const admitted = await scope.admit([event])
    if (admitted.length > 0) gathering.take(await describeIn(ground, event))
    seen = gathering.found().length
  }
  for (const position of from.found) {
    const event = await log.at(position)
    if (event) await take(event)
  }
  let { pass, after, names } = from
  const isFull = () => seen >= eventsMax
  for (; pass < PASSES_MAX; pass++) {
    const { last, isFinished } = await walk(
      log,
      {
        after,
        isPast: ({ position }) => position > from.until,
        isEnough: isFull,
        ...(onProgress ? { onProgress } : {}),
      },
      budget,
      (event) => (gathering.concerns(event) ? take(event) : undefined),
    )
    const described = gathering.found()
    if (isFull()) return { described, next: undefined, last, isCut: !isFinished }
    if (!isFinished) {
      const found = described.map(({ raw }) => raw.position)
      return { described, next: { pass, names, after: last, until: from.until, found }, last, isCut: false }
    }
    if (gathering.names() === names) break
    names = gathering.names()
    after = undefined
  }
  return { described: gathering.found(), next: undefined, last: from.until, isCut: false }
}

export interface TraceNode {
  described: DescribedEvent
  /** Between its cause and it, in milliseconds, as the store recorded them. */
  stepMs: number
  /** Since the first event of all. */
  sinceStartMs: number
  effects: TraceNode[]
}

/** The events as trees: an event's cause is the event that its causation names, or the one that gave that command. */
export function treeOf(events: readonly DescribedEvent[], rules: AuditRules): TraceNode[] {
  const ordered = [...events].sort((a, b) => (a.raw.position < b.raw.position ? -1 : 1))
  const [first] = ordered
  if (!first) return []
  const startMs = createdAt(first.raw).getTime()
  const byId = new Map<string, TraceNode>()
  /** Command id → the event that asked for it, else the first that it made. */
  const byCommand = new Map<string, TraceNode>()
  const roots: TraceNode[] = []
  for (const described of ordered) {
    const atMs = createdAt(described.raw).getTime()
    const node: TraceNode = { described, stepMs: 0, sinceStartMs: atMs - startMs, effects: [] }
    const cause = causeOf(described, byId, byCommand)
    if (cause) {
      node.stepMs = node.sinceStartMs - cause.sinceStartMs
      cause.effects.push(node)
    } else roots.push(node)
    byId.set(described.raw.id, node)
    const { commandId } = described.event.data
    const isAsking = rules.mentionOf(described.event.type)?.owns?.includes('commandId') === true
    if (isAsking && typeof commandId === 'string') byCommand.set(commandId, node)
    const own = described.metadata?.commandId
    if (own !== undefined && !byCommand.has(own)) byCommand.set(own, node)
  }
  return roots
}

function causeOf(
  { metadata, event }: DescribedEvent,
  byId: ReadonlyMap<string, TraceNode>,
  byCommand: ReadonlyMap<string, TraceNode>,
): TraceNode | undefined {
  if (!metadata) return undefined
  const direct = byId.get(metadata.$causationId) ?? byCommand.get(metadata.$causationId)
  if (direct) return direct
  return typeof event.data.commandId === 'string' ? byCommand.get(event.data.commandId) : undefined
}

/** The trees as one list: each step before what it has caused. */
export const flatten = (
  nodes: readonly TraceNode[],
  depth = 0,
  cause?: TraceNode,
): { node: TraceNode; depth: number; cause: TraceNode | undefined }[] =>
  nodes.flatMap((node) => [{ node, depth, cause }, ...flatten(node.effects, depth + 1, node)])
