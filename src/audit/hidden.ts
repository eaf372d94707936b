/**
 * What hides events from decisions though they stand in the log. Decisions read streams, and a stream's metadata, a
 * delete or a faulty index shows less of a stream than $all does: $maxCount, $maxAge and $tb drop events from reads, a
 * deleted stream can be begun anew. We set such metadata on the heartbeats alone.
 */
import { HEARTBEAT_STREAM } from '../events/heartbeat.ts'
import { damageOf } from './damage.ts'
import type { AuditRules } from './declarations.ts'
import { membersOf, type RawEvent, type RawLog } from './raw-log.ts'
import type { Finding } from './verifier.ts'

const METADATA = '$metadata'
const TOMBSTONE = '$streamDeleted'
/** Before the name of the stream that the metadata are about. */
const METASTREAM = '$$'
/** `$tb` of a stream that was deleted and may be begun anew. */
const DELETED = 2n ** 63n - 1n

/** Streams whose metadata are remembered until the end. Where more have some, a finding says so. */
const STREAMS_MAX = 100_000

export interface HiddenCheck {
  /** An event of the store itself; others are not for it. */
  add(event: RawEvent): void
  /** At the end of what is read: each stream's last metadata count. */
  finish(): void
}

type Tell = (finding: Finding) => void

const hidden = ({ revision, position, type }: RawEvent, stream: string, detail: string): Finding => ({
  kind: 'hidden',
  stream,
  revision,
  position,
  type,
  detail,
})

export function createHiddenCheck(rules: AuditRules, tell: Tell, streamsMax = STREAMS_MAX): HiddenCheck {
  const last = new Map<string, RawEvent>()
  let beyond: RawEvent | undefined
  return {
    add(event) {
      if (event.type === TOMBSTONE && rules.isOurs(event.stream)) {
        tell(hidden(event, event.stream, 'the stream was deleted for good'))
      }
      if (event.type !== METADATA || !event.stream.startsWith(METASTREAM)) return
      const stream = event.stream.slice(METASTREAM.length)
      if (!rules.isOurs(stream) || stream === HEARTBEAT_STREAM) return
      if (last.has(stream) || last.size < streamsMax) last.set(stream, event)
      else beyond ??= event
    },
    finish() {
      for (const [stream, event] of last) {
        const detail = detailOf(event)
        if (detail !== undefined) tell(hidden(event, stream, detail))
      }
      if (!beyond) return
      const unread = `more than ${streamsMax} streams have metadata: those of this one and of later ones were not looked at`
      tell(hidden(beyond, beyond.stream.slice(METASTREAM.length), unread))
    },
  }
}

function detailOf(event: RawEvent): string | undefined {
  const members = Object.entries(membersOf(event.data))
  if (members.length === 0) return undefined
  const truncated = /"\$tb"\s*:\s*(\d+)/.exec(Buffer.from(event.data).toString())?.[1]
  if (truncated !== undefined && BigInt(truncated) >= DELETED) return 'the stream was deleted: decisions see none of it'
  const stated = members.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ')
  return `the stream has metadata of another hand, which may hide events from decisions: ${stated}`
}

/** A stream as $all has shown it. */
export interface StreamSeen {
  stream: string
  /** The last event's. */
  revision: bigint
  position: bigint
  type: string
}

/** Streams that are read at the same time. */
const READS_MAX = 32

/** Reads each stream as decisions do, and reports those that do not begin and end as $all says. */
export async function compareStreamReads(
  log: Pick<RawLog, 'readStream'>,
  streams: Iterable<StreamSeen>,
  tell: Tell,
): Promise<void> {
  const source = streams[Symbol.iterator]()
  const work = async () => {
    for (let next = source.next(); !next.done; next = source.next()) {
      const detail = await differenceOf(log, next.value).catch(unlessDamaged)
      if (detail !== undefined) tell({ kind: 'hidden', ...next.value, detail })
    }
  }
  await Promise.all(Array.from({ length: READS_MAX }, work))
}

/** What cannot be read was told by the walk over the log. */
function unlessDamaged(error: unknown): undefined {
  if (!damageOf(error)) throw error
}

async function differenceOf(
  log: Pick<RawLog, 'readStream'>,
  { stream, revision }: StreamSeen,
): Promise<string | undefined> {
  const [last] = await Array.fromAsync(log.readStream(stream, revision, 1n))
  if (last?.revision !== revision) return `who reads the stream does not see it: nothing stands at revision ${revision}`
  if (revision === 0n) return undefined
  const [first] = await Array.fromAsync(log.readStream(stream, 0n, 1n))
  return first?.revision === 0n ? undefined : `who reads the stream sees it from revision ${first?.revision} on`
}
