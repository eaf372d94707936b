/**
 * Look-ups by key, gathered. What a request for one row costs is mostly the way there and back: two system calls here, two
 * there, and a process that has to be woken. So the batched reads of one turn of the event loop travel together, and while a
 * few pipelines are under way the next ones gather. Nothing waits for company beyond the turn, and where the last pipeline had none,
 * the next read by key leaves at once.
 */
import type { ReadModels } from './database.ts'
import { Pipeline, type Row, type Statement, type Value } from './pipeline.ts'
import { codeOf, isPlanOutdated, type PinnedConnection, pinnedConnectionOf, spoilsConnection } from './pool.ts'

/** Look-ups of one pipeline, at most. */
const LOOK_UPS_MAX = 64
/** Trips under way at once, at most; with more of them each would only carry less. */
const TRIPS_MAX = 2
/**
 * So long a connection stays with the batched reads after its last pipeline: taking one from the pool and giving it back takes as
 * long as half a pipeline. Short, since a connection that is lost meanwhile costs those of the next pipeline their answers.
 */
const KEEP_MS = 25
/** So long it stays at the most, however many batched reads follow each other: others wait for one of the pool too. */
const HOLD_MAX_MS = 250

interface LookUp extends Statement {
  /** Whether it was sent again already, since a table had changed under its statement. */
  isRepeated: boolean
}

/** A connection between pipelines. */
interface Kept {
  pinned: PinnedConnection
  giveBack(): void
  takenMs: number
  usedMs: number
}

/** Its rows. Rejects with what Postgres says of this read by key, whatever becomes of others. */
export type LookUpRows = (sql: string, parameters: readonly Value[]) => Promise<Row[]>

const gatherers = new WeakMap<ReadModels, LookUpRows>()

/** The way of batched reads to this database. */
export function batchedReadsOf(db: ReadModels): LookUpRows {
  const known = gatherers.get(db)
  if (known) return known
  const gatherer = createGatherer(db)
  gatherers.set(db, gatherer)
  return gatherer
}

function createGatherer(db: ReadModels): LookUpRows {
  const waiting: LookUp[] = []
  let pipelines = 0
  let leavesSoon = false
  /** Look-ups of the last pipeline. */
  let travelled = 1

  function leave(): void {
    leavesSoon = false
    if (waiting.length === 0 || pipelines === TRIPS_MAX) return
    pipelines++
    const lookUps = waiting.splice(0, LOOK_UPS_MAX)
    travelled = lookUps.length
    void travel(lookUps).finally(() => {
      pipelines--
      leaveSoon()
    })
    if (waiting.length > 0) leaveSoon()
  }

  function leaveSoon(): void {
    if (leavesSoon || waiting.length === 0 || pipelines === TRIPS_MAX) return
    // Where the last one had no company, this one need not look for any.
    if (pipelines === 0 && travelled === 1) leave()
    else {
      leavesSoon = true
      setImmediate(leave)
    }
  }

  /** Answers each of them; those behind a failure are sent again, since Postgres passed over them. Never rejects. */
  async function travel(lookUps: readonly LookUp[]): Promise<void> {
    for (let rest = lookUps; rest.length > 0; ) {
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
        // Only what Postgres itself says is about one statement; all else is about the connection.
        const isOfOne = codeOf(error).length === SQLSTATE_LENGTH && !spoilsConnection(error as Error)
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

/** A connection of the pool, until it is given back. Rejects where there is none to be had. */
const takeConnection = (db: ReadModels): Promise<Kept> =>
  new Promise((take, fail) => {
    const held = async (connection: ReadModels) => {
      const pinned = await pinnedConnectionOf(connection)
      await new Promise<void>((giveBack) => take({ pinned, giveBack, takenMs: performance.now(), usedMs: 0 }))
    }
    db.connection().execute(held).catch(fail)
  })

const SQLSTATE_LENGTH = 5
