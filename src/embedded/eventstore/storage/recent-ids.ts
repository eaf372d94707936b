/**
 * The ids of the latest events, by stream, so that a repeated append is recognised whatever was expected of the stream
 * the first time. They are kept in memory for stretches of the log: the one being written and the one before it. Which
 * ids are known depends on the log alone, neither on the time nor on restarts.
 */

/** How much of the log a stretch covers; the ids of at least so much are known. */
export const ID_STRETCH_BYTES = 8 * 1024 * 1024

/** Where the stretches begin whose ids are known while the log ends at `end`. */
export function firstKnownPosition(end: number): number {
  return Math.max(0, Math.floor(end / ID_STRETCH_BYTES) - 1) * ID_STRETCH_BYTES
}

type Stretch = { number: number; revisions: Map<string, number> }

export class RecentIds {
  private latest: Stretch = { number: 0, revisions: new Map() }
  private before: Stretch = { number: -1, revisions: new Map() }

  /** Takes the next event of the log in. Of two events with one id in a stream, the first one counts. */
  add(streamId: number, id: string, revision: number, position: number): void {
    const number = Math.floor(position / ID_STRETCH_BYTES)
    if (number > this.latest.number) {
      this.before = this.latest.number === number - 1 ? this.latest : { number: number - 1, revisions: new Map() }
      this.latest = { number, revisions: new Map() }
    }
    const key = id + streamId
    if (!this.before.revisions.has(key) && !this.latest.revisions.has(key)) this.latest.revisions.set(key, revision)
  }

  revisionOf(streamId: number, id: string): number | undefined {
    const key = id + streamId
    return this.latest.revisions.get(key) ?? this.before.revisions.get(key)
  }
}
