/**
 * Places of the log that cannot be read: the disk, or somebody, has changed what was written there. The embedded node says
 * which events they were and where the log goes on, so that what is behind is verified all the same.
 */
import { z } from 'zod'
import type { RawEvent, RawLog } from './raw-log.ts'
import type { Finding } from './verifier.ts'

const damagedEvents = z.array(
  z.object({ position: z.int().transform(BigInt), stream: z.string(), revision: z.int().transform(BigInt) }),
)

export interface Damage {
  position: bigint
  /** Those that the store knows, the first twenty of a place. */
  events: z.output<typeof damagedEvents>
  /** Position of the next event that can be read; undefined: there is none. */
  next: bigint | undefined
  detail: string
}

/** gRPC's status for it (grpc/grpc, doc/statuscodes.md). */
const DATA_LOSS = 15

/** What a failed read tells of damage; undefined where it failed for another reason, or the store names no place. */
export function damageOf(error: unknown): Damage | undefined {
  const { code, details, metadata } = (error ?? {}) as {
    code?: number
    details?: string
    metadata?: { get(name: string): unknown[] }
  }
  const [position, events, next] = ['damaged-position', 'damaged-events', 'next-position'].map((name) =>
    metadata?.get(name)[0]?.toString(),
  )
  if (code !== DATA_LOSS || position === undefined) return undefined
  return {
    position: BigInt(position),
    events: damagedEvents.parse(JSON.parse(events ?? '[]')),
    next: next === undefined ? undefined : BigInt(next),
    detail: `the event cannot be read: ${details}`,
  }
}

/** One for each event that is known; one for the place where none is. */
export function damageFindings({ position, events, detail }: Damage): Finding[] {
  const places = events.length > 0 ? events : [{ position, stream: '', revision: -1n }]
  return places.map((place) => ({ kind: 'damage', ...place, type: '', detail }))
}

/** The events behind a damaged place: of the whole log, the store's own included, or of one stream. */
export async function* behind(
  log: Pick<RawLog, 'at' | 'readAll' | 'readStream'>,
  { events, next }: Damage,
  stream: string | undefined,
): AsyncIterable<RawEvent> {
  if (stream !== undefined) {
    const last = events.findLast((event) => event.stream === stream)
    if (last) yield* log.readStream(stream, last.revision + 1n)
  } else if (next !== undefined) {
    const first = await log.at(next)
    if (first) yield first
    yield* log.readAll(next, true)
  }
}

/** The events up to a place that cannot be read: the damage is told where the log itself is walked. */
export async function* upToDamage(events: AsyncIterable<RawEvent>): AsyncIterable<RawEvent> {
  try {
    yield* events
  } catch (error) {
    if (!damageOf(error)) throw error
  }
}
