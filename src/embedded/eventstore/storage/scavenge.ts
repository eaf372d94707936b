/**
 * Gives the space of events that no reader can see back to the disk, while the node runs. Each file of the log that has
 * enough of them is written anew without them, under the same name; small neighbours become one. Positions stay what
 * they are. A file takes its new form with one rename, so that a kill at any moment leaves the old one or the new one.
 */
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { EventLog } from './log.ts'
import { type Discard, type FilePlan, planFile } from './scavenge-plan.ts'
import { openScavengedFile, publishFile, scavengedHeader, syncDirectory, UNFINISHED } from './segment-files.ts'
import { DamagedLogError, filesOf, holdingFile, readSegmentAsync, segmentOf } from './segments.ts'

export type ScavengeReport = {
  id: string
  state: 'running' | 'done' | 'stopped' | 'failed'
  /** What the log's files took before, and what was given back. */
  bytesBefore: number
  bytesFreed: number
  eventsRemoved: number
  /** Files of the log that were written anew, and those that are damaged and were left as they are. */
  filesWritten: number
  filesDamaged: number
  reason: string | undefined
}

export type ScavengeOptions = {
  log: EventLog
  directory: string
  segmentBytes: number
  readChunkBytes: number
  /** Begins a new file, so that all events up to now are in files that can be scavenged, and indexes them all. */
  closeFile: () => Promise<void>
  discardOf: (stream: string) => Discard
  /** Takes events that the log no longer holds out of the index. */
  removeFromIndex: (removed: ReadonlyMap<string, number>) => Promise<void>
  onNotice: (notice: string) => void
}

/** A file is written anew where at least one in so many bytes goes. */
const WORTH_A_REWRITE = 100
/** So many streams' answers are remembered at a time. */
const STREAMS_REMEMBERED_MAX = 50_000
/** The copy is synced so often, so that no sync holds up appends for long. */
const SYNC_EVERY_BYTES = 4 * 1024 * 1024

export class Scavenge {
  readonly report: ScavengeReport
  private readonly options: ScavengeOptions
  private readonly stopping = new AbortController()
  private readonly finished: Promise<void>

  /** Starts at once. */
  constructor(options: ScavengeOptions) {
    this.options = options
    const bytesBefore = bytesOf(options.log)
    this.report = {
      ...{ id: randomUUID(), state: 'running', bytesBefore, bytesFreed: 0, eventsRemoved: 0 },
      ...{ filesWritten: 0, filesDamaged: 0, reason: undefined },
    }
    this.finished = this.run().then(
      () => this.end('done'),
      (error: Error) => (this.stopping.signal.aborted ? this.end('stopped') : this.end('failed', error.message)),
    )
  }

  private end(state: ScavengeReport['state'], reason?: string): void {
    Object.assign(this.report, { state, reason })
    const { bytesFreed, eventsRemoved, filesDamaged } = this.report
    const left = filesDamaged > 0 ? `; ${filesDamaged} damaged files were left as they are` : ''
    this.options.onNotice(
      `scavenge ${state}: ${eventsRemoved} events and ${bytesFreed} bytes removed${left}${reason ? `; ${reason}` : ''}`,
    )
  }

  /** Resolves once it has ended, however that was. */
  done(): Promise<void> {
    return this.finished
  }

  /** Ends it after the piece under way; files that were written stay. */
  async stop(): Promise<void> {
    this.stopping.abort()
    await this.finished
  }

  private async run(): Promise<void> {
    const { log, closeFile, segmentBytes } = this.options
    await closeFile()
    const files = filesOf(log.segments)
    let group: FilePlan[] = []
    let groupBytes = 0
    for (const [index, file] of files.slice(0, -1).entries()) {
      const plan = await this.plan(index, files)
      const fits = plan && groupBytes + plan.keptBytes <= segmentBytes && file.follows === file.start
      if (!fits) {
        await this.rewrite(group)
        group = []
        groupBytes = 0
      }
      if (!plan) continue
      group.push(plan)
      groupBytes += plan.keptBytes
    }
    await this.rewrite(group)
  }

  /** The plan for a file; undefined where it is damaged. */
  private async plan(index: number, files: ReturnType<typeof filesOf>): Promise<FilePlan | undefined> {
    const { log, readChunkBytes, discardOf } = this.options
    const remembered = new Map<string, Discard>()
    const remembering = (stream: string): Discard => {
      if (remembered.size >= STREAMS_REMEMBERED_MAX) remembered.clear()
      const discard = remembered.get(stream) ?? discardOf(stream)
      remembered.set(stream, discard)
      return discard
    }
    const planning = { log, chunkBytes: readChunkBytes, discardOf: remembering, signal: this.stopping.signal }
    try {
      return await planFile(files[index]!, files[index + 1]!.follows, planning)
    } catch (error) {
      if (!(error instanceof DamagedLogError)) throw error
      this.options.onNotice(`${path.basename(files[index]!.path)} is not scavenged: ${error.message}`)
      this.report.filesDamaged++
      return undefined
    }
  }

  /** Writes files anew as one, where that is worth it. */
  private async rewrite(plans: readonly FilePlan[]): Promise<void> {
    const removedBytes = plans.reduce((total, plan) => total + plan.removedBytes, 0)
    const keptBytes = plans.reduce((total, plan) => total + plan.keptBytes, 0)
    const isWorthIt = removedBytes > 0 && removedBytes * WORTH_A_REWRITE >= keptBytes
    if (plans.length === 0 || (!isWorthIt && plans.length === 1)) return
    const { log, directory, removeFromIndex } = this.options
    const [first, last] = [plans[0]!, plans.at(-1)!]
    const before = bytesOf(log)
    const target = first.file.path
    try {
      await this.writeFile(target + UNFINISHED, plans)
    } catch (error) {
      fs.rmSync(target + UNFINISHED, { force: true })
      throw error
    }
    publishFile(target + UNFINISHED, target)
    const files = plans.map(({ file }) => file)
    log.replaceFiles(files, openScavengedFile(target, first.file.start))
    for (const file of files.slice(1)) fs.unlinkSync(file.path)
    syncDirectory(directory)
    this.report.bytesFreed += before - bytesOf(log)
    this.report.filesWritten++
    this.report.eventsRemoved += plans.reduce((total, plan) => total + plan.removedEvents, 0)
    for (const { removed } of plans) await removeFromIndex(removed)
    if (last.end > log.end()) throw new Error('a scavenged file reaches behind the end of the log')
  }

  private async writeFile(target: string, plans: readonly FilePlan[]): Promise<void> {
    const { log, readChunkBytes } = this.options
    const { file } = plans[0]!
    const kept = plans.flatMap((plan) => plan.kept)
    const output = await fs.promises.open(target, 'w')
    try {
      await output.write(scavengedHeader(file.start, file.follows, plans.at(-1)!.end, kept))
      let unsynced = 0
      for (const { start, length } of kept) {
        for (let position = start; position < start + length; ) {
          this.stopping.signal.throwIfAborted()
          const segment = segmentOf(log.segments, position)
          const bytes = Math.min(readChunkBytes, start + length - position, segment.end - position)
          const chunk = await holdingFile(segment.file, () => readSegmentAsync(segment, position, bytes))
          if (chunk.length < bytes) throw new DamagedLogError(position, 'its file has become shorter')
          await output.write(chunk)
          position += bytes
          unsynced += bytes
          if (unsynced < SYNC_EVERY_BYTES) continue
          await output.datasync()
          unsynced = 0
        }
      }
      await output.sync()
    } finally {
      await output.close()
    }
  }
}

/** What the log's files take, without what is allocated ahead in the last one. */
function bytesOf(log: EventLog): number {
  const last = log.segments.at(-1)!
  const closed = filesOf(log.segments).slice(0, -1)
  const bytes = closed.reduce((total, { descriptor }) => total + fs.fstatSync(descriptor).size, 0)
  return bytes + log.end() - last.start
}
