/** What a store does for its own good beside its work: it checks its log, gives space back when told to, and says how it is. */
import type { Health } from '../node-info.ts'
import type { EventStoreLimits } from '../options.ts'
import type { IndexFlusher } from './index-flusher.ts'
import type { EventLog } from './log.ts'
import { LogCheck } from './log-check.ts'
import { Scavenge } from './scavenge.ts'
import type { Discard } from './scavenge-plan.ts'
import type { StreamReader } from './stream-reader.ts'
import type { Writer } from './writer.ts'

export type CareOptions = EventStoreLimits & {
  directory: string
  log: EventLog
  writer: Writer
  flusher: IndexFlusher
  streams: StreamReader
  onNotice: (notice: string) => void
}

export class StoreCare {
  private readonly options: CareOptions
  private readonly check: LogCheck
  private scavenge: Scavenge | undefined

  constructor(options: CareOptions) {
    this.options = options
    this.check = new LogCheck(options)
    this.check.start()
  }

  /** Begins to give the space of hidden events back, or returns the scavenge that is under way. */
  startScavenge(): Scavenge {
    if (this.scavenge?.report.state === 'running') return this.scavenge
    const { log, writer, flusher } = this.options
    this.scavenge = new Scavenge({
      ...this.options,
      closeFile: async () => {
        await writer.rollLog()
        await flusher.reach(log.segments.at(-1)!.start, () => log.end())
      },
      discardOf: (stream) => this.discardOf(stream),
      removeFromIndex: (removed) => flusher.remove(removed, (position) => log.holds(position)),
    })
    return this.scavenge
  }

  /** What of a stream no reader can see. */
  private discardOf(stream: string): Discard {
    const { streams } = this.options
    const status = streams.status(stream)
    const lastRevision = streams.endOf(stream) - 1
    const isTombstoned = status.kind === 'deleted'
    if (status.kind !== 'present') return { isTombstoned, lastRevision, beforeRevision: lastRevision, beforeMs: 0 }
    const { maxAgeMs } = status.metadata
    const beforeMs = maxAgeMs === undefined ? 0 : Date.now() - maxAgeMs
    return { isTombstoned, lastRevision, beforeRevision: status.firstRevision, beforeMs }
  }

  /** How the store is: whether appends succeed, and if not, why; where the log is damaged. */
  health(): Health {
    const failure = this.options.log.failure()
    const { damagedPositions, checkedTo, completedAtMs } = this.check.progress()
    return {
      isWritable: failure === undefined,
      reason: failure?.message,
      endPosition: this.options.log.end(),
      damagedPositions,
      checkedTo,
      checkCompletedAt: completedAtMs === undefined ? undefined : new Date(completedAtMs).toISOString(),
      scavenge: this.scavenge?.report,
    }
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await Promise.all([this.check.close(), this.scavenge?.stop()])
  }
}
