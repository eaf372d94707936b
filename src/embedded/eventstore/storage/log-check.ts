/**
 * Reads the whole log, slowly, again and again, so that damage is found before somebody needs the event. It reads a piece,
 * waits in proportion, and after the last piece waits for the next round.
 */
import type { EventLog } from './log.ts'
import { recordPosition } from './record.ts'
import { nextIntact } from './recovery.ts'
import { DamagedLogError } from './segments.ts'

export type LogCheckOptions = {
  log: EventLog
  /** How much is read in a second; 0 turns the check off. */
  checkBytesPerSecond: number
  /** From the end of one round to the start of the next. */
  checkPauseMs: number
  readChunkBytes: number
  onNotice: (notice: string) => void
}

export type CheckProgress = {
  /** Where events cannot be read, as far as the latest rounds have seen. */
  damagedPositions: number[]
  /** How far the round under way has come. */
  checkedTo: number
  /** When the latest whole round ended, Unix milliseconds. */
  completedAtMs: number | undefined
}

/** So many damaged places are named; a disk that has more needs no list. */
const DAMAGED_PLACES_MAX = 100

export class LogCheck {
  private readonly options: LogCheckOptions
  private readonly told = new Set<number>()
  private found: number[] = []
  private previous: number[] = []
  private position = 0
  private completedAtMs: number | undefined
  private timer: NodeJS.Timeout | undefined
  private step: Promise<void> | undefined
  private closed = false

  constructor(options: LogCheckOptions) {
    this.options = options
  }

  start(): void {
    if (this.options.checkBytesPerSecond > 0) this.schedule(this.pieceMs())
  }

  progress(): CheckProgress {
    const damagedPositions = [...new Set([...this.previous, ...this.found])].sort((left, right) => left - right)
    return { damagedPositions, checkedTo: this.position, completedAtMs: this.completedAtMs }
  }

  /** How long a piece may take. */
  private pieceMs(): number {
    return (this.options.readChunkBytes * 1000) / this.options.checkBytesPerSecond
  }

  private schedule(afterMs: number): void {
    if (this.closed) return
    this.timer = setTimeout(() => {
      this.step = this.checkPiece().then((afterMs) => this.schedule(afterMs))
    }, afterMs).unref()
  }

  /** Returns after how many milliseconds to go on. */
  private async checkPiece(): Promise<number> {
    const { log, readChunkBytes, onNotice } = this.options
    try {
      const records = await log.readForwards(this.position, readChunkBytes)
      if (!records) return this.endRound()
      const last = records.at(-1)!
      this.position = recordPosition(last) + last.length
      return this.pieceMs()
    } catch (error) {
      if (error instanceof DamagedLogError) return this.passOver(error)
      onNotice(`the log could not be checked at position ${this.position}: ${(error as Error).message}`)
      return this.endRound()
    }
  }

  private passOver({ position, message }: DamagedLogError): number {
    const { log, onNotice } = this.options
    this.found.push(position)
    if (!this.told.has(position)) onNotice(`${message}; found by the check of the whole log`)
    this.told.add(position)
    const next = this.found.length < DAMAGED_PLACES_MAX ? nextIntact(log.segments, position + 1) : undefined
    if (next === undefined) return this.endRound()
    this.position = next
    return this.pieceMs()
  }

  private endRound(): number {
    this.previous = this.found
    this.found = []
    this.position = 0
    this.completedAtMs = Date.now()
    return this.options.checkPauseMs
  }

  /** Ends after the piece under way. */
  async close(): Promise<void> {
    this.closed = true
    clearTimeout(this.timer)
    await this.step
  }
}
