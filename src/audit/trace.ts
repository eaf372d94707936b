/**
 * The tree of causes and effects that one request, command or correlation has grown: from the request through every
 * stream to what the engine and the webhooks made of it. Events are gathered while the log passes by; an effect stands
 * after its cause, and what is learnt late is caught by a second pass.
 */
import { createdAt, type RawEvent } from './raw-log.ts'
import { type Told, toldOf } from './timeline.ts'

export interface Gathering {
  /** Takes the event in where it belongs. */
  take(event: RawEvent): void
  found(): readonly Told[]
  /** Names that belong to it; where a pass has added some, another pass may find more. */
  names(): number
  /** Forgets the events, not the names, before another pass. */
  rewind(): void
}

export function createGathering(name: string): Gathering {
  const names = new Set([name])
  const needles = [Buffer.from(name)]
  let found: Told[] = []

  const learn = (value: unknown) => {
    if (typeof value !== 'string' || names.has(value)) return
    names.add(value)
    needles.push(Buffer.from(value))
  }

  /** Names that a metadata field may carry it by; what is only mentioned does not belong to it. */
  function belongs({ raw, event, metadata }: Told): boolean {
    if (!metadata) return false
    const { $correlationId, $causationId, commandId, requestId } = metadata
    return [raw.id, $correlationId, $causationId, commandId, requestId, event.data.commandId].some(
      (value) => typeof value === 'string' && names.has(value),
    )
  }

  return {
    found: () => found,
    names: () => names.size,
    rewind() {
      found = []
    },
    take(raw) {
      const buffers = [raw.metadata, raw.data].map((bytes) =>
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      )
      if (!names.has(raw.id) && !needles.some((needle) => buffers.some((text) => text.includes(needle)))) return
      const told = toldOf(raw)
      if (!belongs(told)) return
      found.push(told)
      for (const value of [told.metadata?.$correlationId, told.metadata?.commandId, told.event.data.commandId])
        learn(value)
    },
  }
}

export interface TraceNode {
  told: Told
  /** Between its cause and it, in milliseconds, as the store recorded them. */
  stepMs: number
  /** Since the first event of all. */
  sinceStartMs: number
  effects: TraceNode[]
}

/** The events as trees: an event's cause is the event that its causation names, or the one that gave that command. */
export function treeOf(events: readonly Told[]): TraceNode[] {
  const ordered = [...events].sort((a, b) => (a.raw.position < b.raw.position ? -1 : 1))
  const [first] = ordered
  if (!first) return []
  const startMs = createdAt(first.raw).getTime()
  const byId = new Map<string, TraceNode>()
  /** Command id → the event that asked for it, else the first that it made. */
  const byCommand = new Map<string, TraceNode>()
  const roots: TraceNode[] = []
  for (const told of ordered) {
    const atMs = createdAt(told.raw).getTime()
    const node: TraceNode = { told, stepMs: 0, sinceStartMs: atMs - startMs, effects: [] }
    const cause = causeOf(told, byId, byCommand)
    if (cause) {
      node.stepMs = node.sinceStartMs - cause.sinceStartMs
      cause.effects.push(node)
    } else roots.push(node)
    byId.set(told.raw.id, node)
    const { commandId } = told.event.data
    if (typeof commandId === 'string' && /Requested\.v\d+$/.test(told.event.type)) byCommand.set(commandId, node)
    const own = told.metadata?.commandId
    if (own !== undefined && !byCommand.has(own)) byCommand.set(own, node)
  }
  return roots
}

function causeOf(
  { metadata, event }: Told,
  byId: ReadonlyMap<string, TraceNode>,
  byCommand: ReadonlyMap<string, TraceNode>,
): TraceNode | undefined {
  if (!metadata) return undefined
  const direct = byId.get(metadata.$causationId) ?? byCommand.get(metadata.$causationId)
  if (direct) return direct
  return typeof event.data.commandId === 'string' ? byCommand.get(event.data.commandId) : undefined
}
