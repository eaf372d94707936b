/**
 * Batched reads: queries by key that travel to Postgres together. Most of a read's cost is the way there and back: two
 * system calls on each side, and a process that has to be woken. So the reads of one turn of the event loop share a
 * pipeline, and while a few pipelines are under way the next reads gather. A read never waits longer than the turn. Where
 * the last pipeline carried one read only, the next read leaves at once.
 */
import type { ReadModels } from './database.ts'
import { isOfStatement, isPlanOutdated } from './failure.ts'
import { Pipeline, type Row, type Statement, type Value } from './pipeline.ts'
import { type PinnedConnection, pinnedConnectionOf } from './pool.ts'

/** Reads of one pipeline, at most. */
const READS_MAX = 64
/** Pipelines under way at once, at most; more of them would each only carry less. */
const PIPELINES_MAX = 2
/**
 * How long a connection stays after its last pipeline: taking one from the pool and giving it back takes as long as half a
 * pipeline. Short, since a connection that is lost meanwhile costs the reads of the next pipeline their answers.
 */
const KEEP_MS = 25
/** How long it stays at most, however many reads follow each other: others wait for a connection of the pool too. */
const HOLD_MAX_MS = 250

interface Read extends Statement {
  /** It was sent a second time, since a table had changed under its statement. */
  isRepeated: boolean
}

/** A connection between pipelines. */
interface Kept {
  pinned: PinnedConnection
  giveBack(): void
  takenMs: number
  usedMs: number
}

/** Answers the rows of one query. Rejects with what Postgres says of this query; other reads do not matter to it. */
export type ReadRows = (sql: string, parameters: readonly Value[]) => Promise<Row[]>

const readers = new WeakMap<ReadModels, ReadRows>()

/** The batched reads of this database. */
export function batchedReadsOf(db: ReadModels): ReadRows {
  const known = readers.get(db)
  if (known) return known
  const reader = createReader(db)
  readers.set(db, reader)
  return reader
}

function createReader(db: ReadModels): ReadRows {
  const waiting: Read[] = []
  let pipelines = 0
  let leavesSoon = false
  /** Reads of the last pipeline. */
  let carried = 1

  function leave(): void {
    leavesSoon = false
    if (waiting.length === 0 || pipelines === PIPELINES_MAX) return
    pipelines++
    const reads = waiting.splice(0, READS_MAX)
    carried = reads.length
    void answerAll(reads).finally(() => {
      pipelines--
      leaveSoon()
    })
    if (waiting.length > 0) leaveSoon()
  }

  function leaveSoon(): void {
    if (leavesSoon || waiting.length === 0 || pipelines === PIPELINES_MAX) return
    if (pipelines === 0 && carried === 1) leave()
    else {
      leavesSoon = true
      setImmediate(leave)
    }
  }

  /** Answers each read. Postgres skips those behind a failure, so they are sent again. Never rejects. */
  async function answerAll(reads: readonly Read[]): Promise<void> {
    for (let rest = reads; rest.length > 0; ) {
      const pipeline = new Pipeline(rest)
      try {
        await send(pipeline)
        return
      } catch (error) {
        rest = rest.slice(pipeline.answered)
        const [refused] = rest
        if (!refused) return
        if (isPlanOutdated(error) && !refused.isRepeated) {
          refused.isRepeated = true
          continue
        }
        // An error without a SQLSTATE is about the connection, and so about all of them.
        const isOfOne = isOfStatement(error)
        for (const failed of isOfOne ? [refused] : rest) failed.fail(error)
        rest = isOfOne ? rest.slice(1) : []
      }
    }
  }

  const kept: Kept[] = []
  let isSweeping = false

  async function send(pipeline: Pipeline): Promise<void> {
    const taken = kept.pop() ?? (await takeConnection(db))
    try {
      await taken.pinned.send(pipeline)
    } catch (error) {
      taken.giveBack()
      throw error
    }
    taken.usedMs = performance.now()
    if (taken.usedMs - taken.takenMs > HOLD_MAX_MS) return taken.giveBack()
    kept.push(taken)
    if (!isSweeping) setTimeout(giveBackUnused, KEEP_MS)
    isSweeping = true
  }

  function giveBackUnused(): void {
    const sinceMs = performance.now() - KEEP_MS
    for (const { giveBack } of kept.filter(({ usedMs }) => usedMs <= sinceMs)) giveBack()
    kept.splice(0, kept.length, ...kept.filter(({ usedMs }) => usedMs > sinceMs))
    isSweeping = kept.length + pipelines > 0
    if (isSweeping) setTimeout(giveBackUnused, KEEP_MS)
  }

  return (sql, parameters) =>
    new Promise((answer, fail) => {
      waiting.push({ sql, parameters, answer, fail, isRepeated: false })
      leaveSoon()
    })
}

/** Takes a connection of the pool until it is given back. Rejects where the pool has none. */
const takeConnection = (db: ReadModels): Promise<Kept> =>
  new Promise((take, fail) => {
    const held = async (connection: ReadModels) => {
      const pinned = await pinnedConnectionOf(connection)
      await new Promise<void>((giveBack) => take({ pinned, giveBack, takenMs: performance.now(), usedMs: 0 }))
    }
    db.connection().execute(held).catch(fail)
  })
