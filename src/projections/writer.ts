/**
 * Takes batches of events into the tables: each batch is one commit of rows and checkpoint. Poison is an event that does
 * not decode, at which its handler throws, or that Postgres refuses. It halts the writer where the projection says
 * `onPoison: 'halt'`; otherwise it is parked, with the events behind it in its stream.
 */
import { sql } from 'kysely'
import { HEARTBEAT } from '../events/registry.ts'
import { type Delivered, isPoison } from '../events/subscription.ts'
import type { OpenTransaction, ReadModels } from '../postgres/database.ts'
import { failureOf } from '../postgres/failure.ts'
import type { BatchedQuery } from '../postgres/pool.ts'
import { inTransaction, type PipelinedTransaction } from '../postgres/transaction.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import { applyOrUndo, changesOf, HandlerFailed } from './apply.ts'
import { createBulkWriter } from './bulk.ts'
import { type ProjectionsByEventType, projectionsByEventType } from './by-event-type.ts'
import { queriesOf } from './changes.ts'
import { type Checkpoint, CheckpointMoved, commit } from './checkpoint.ts'
import { ProjectorPaused, readControl } from './control.ts'
import { lockParked, type Parking, parkedKey, parkedStreams, parkQueries } from './parking.ts'
import type { Change, Projection } from './projection.ts'
import { storedVersions } from './schema.ts'

/** Poison in a projection that halts at it: neither this event nor a later one was applied. */
export class PoisonedProjection extends Error {
  override name = 'PoisonedProjection'
  readonly projection: string
  readonly event: Delivered
  constructor(projection: Projection, event: Delivered, fault: string) {
    super(
      `the projection ${projection.name} cannot take in ${event.type} (revision ${event.revision} of ${event.stream}, ` +
        `position ${event.position}): ${fault}`,
    )
    this.projection = projection.name
    this.event = event
  }
}

export interface WriterOptions {
  /** Name of the checkpoint that the projections share. */
  checkpoint: string
  db: ReadModels
  projections: readonly Projection[]
  /** Write to the tables and the checkpoint in this schema instead of the live ones. */
  schema?: string
  /** Runs of a transaction that Postgres wants run again, in all. */
  transactionAttemptsMax: number
  onParked?: (parking: Parking) => void
}

export interface BatchWriter {
  /** Reads the position of the last event applied, to go on from there. Throws CheckpointMoved. */
  resume(): Promise<bigint | undefined>
  /**
   * Applies events in log order and skips those that are applied already. Throws CheckpointMoved, PoisonedProjection,
   * ProjectorPaused, or what Postgres throws; after the last two the same events may be given again.
   */
  write(events: readonly Delivered[]): Promise<void>
  position(): bigint | undefined
  /** Takes over projections from a rebuild, whose tables are as far as those of the others. */
  include(projections: readonly Projection[]): void
}

export function createBatchWriter(options: WriterOptions): BatchWriter {
  const { db, schema, checkpoint } = options
  let projections = options.projections
  let byEventType = projectionsByEventType(projections)
  const queriesFor = schema
    ? createBulkWriter(projections)
    : async (_: PipelinedTransaction, changes: readonly Change[]) => queriesOf(changes)
  /** Undefined: never read. */
  let known: { checkpoint: Checkpoint | undefined } | undefined
  /** The checkpoint may stand here as well, after a commit without an answer. */
  let attempted: Checkpoint | undefined
  /** The tables' generation when it was last read (control.ts). */
  let generation = 0n
  /** Never fewer than are parked; possibly more, since a retry in another process may have taken some in. */
  let parked = new Set<string>()

  const read = <T>(work: (trx: OpenTransaction) => Promise<T>): Promise<T> =>
    inTransaction(db, options.transactionAttemptsMax, async (trx) => {
      if (schema) await sql`SET LOCAL search_path TO ${sql.id(schema)}`.execute(trx)
      return work(trx)
    })

  async function resume(): Promise<bigint | undefined> {
    const found = await read(async (trx) => ({
      ...(await readControl(trx, checkpoint)),
      parked: await parkedStreams(trx),
    }))
    const expected = [known?.checkpoint?.position, attempted?.position]
    if (known && !expected.includes(found.checkpoint?.position)) {
      throw new CheckpointMoved(
        `the checkpoint stands at ${found.checkpoint?.position}, where this writer never put it`,
      )
    }
    known = { checkpoint: found.checkpoint }
    attempted = undefined
    parked = found.parked
    generation = found.generation
    return known.checkpoint?.position
  }

  /**
   * Finds out why the checkpoint did not move: another writer, a pause, or a rebuild in another process that has swapped
   * the tables. After a swap to tables of the same versions this writer goes on, with what is parked now. Throws
   * CheckpointMoved or ProjectorPaused.
   */
  async function lookAgain(error: CheckpointMoved): Promise<void> {
    const control = await read((trx) => readControl(trx, checkpoint))
    const before = generation
    await resume()
    if (control.pausedAt) throw new ProjectorPaused(`the projector is paused since ${control.pausedAt}`)
    if (generation === before) throw error
    const versions = await read((trx) => storedVersions(trx))
    const other = projections.find(({ name, version }) => versions.get(name) !== version)
    if (other) throw new CheckpointMoved(`the tables of ${other.name} are of another version now`, { cause: error })
  }

  /** Commits up to the last of the events. `work` writes rows or answers their queries, and names the events to park. */
  async function commitUpTo(
    events: readonly Delivered[],
    work?: (trx: PipelinedTransaction) => Promise<{ queries: readonly BatchedQuery[]; parkings: readonly Parking[] }>,
  ): Promise<void> {
    const { position, id: eventId } = events.at(-1)!
    const to = { position, eventId }
    const attemptsMax = options.transactionAttemptsMax
    let parkings: readonly Parking[] = []
    attempted = to
    const rows = async (trx: PipelinedTransaction) => {
      const done = await work!(trx)
      parkings = done.parkings
      crashPoint('projector.before-commit', events)
      return [...done.queries, ...parkQueries(parkings)]
    }
    const move = { from: known?.checkpoint, to, events: events.filter(({ type }) => type !== HEARTBEAT).length }
    await commit({ db, name: checkpoint, ...move, generation, schema, attemptsMax }, work && rows)
    known = { checkpoint: to }
    attempted = undefined
    for (const parking of parkings) {
      parked.add(parkedKey(parking.projection.name, parking.event.stream))
      if (parking.first) options.onParked?.(parking)
    }
  }

  /** Before it parks an event behind another: is that one still parked, or has a retry taken it in meanwhile? */
  async function refreshParked(trx: ReadModels, events: readonly Delivered[]): Promise<void> {
    if (parked.size === 0) return
    const isBehind = ({ stream, type }: Delivered) =>
      byEventType.ofAnyVersion(type).some(({ name }) => parked.has(parkedKey(name, stream)))
    if (!events.some(isBehind)) return
    await lockParked(trx)
    parked = await parkedStreams(trx)
  }

  function commitBatch(events: readonly Delivered[]): Promise<void> {
    const isConcerned = events.some(({ type }) => byEventType.ofAnyVersion(type).length > 0)
    if (!isConcerned) return commitUpTo(events)
    return commitUpTo(events, async (trx) => {
      await refreshParked(trx.db, events)
      const { changes, parkings } = collect(events, byEventType, parked)
      return { queries: await queriesFor(trx, changes), parkings }
    })
  }

  /** For an event that Postgres refuses: applies it to each projection on its own, and parks it where that fails. */
  const commitIsolated = (event: Delivered): Promise<void> =>
    commitUpTo([event], async ({ db: trx }) => {
      await refreshParked(trx, [event])
      const parkings: Parking[] = []
      for (const projection of byEventType.ofAnyVersion(event.type)) {
        if (parked.has(parkedKey(projection.name, event.stream))) {
          parkings.push({ projection, event, fault: BEHIND, first: false })
          continue
        }
        const fault = isPoison(event) ? event.fault : await applyOrUndo(trx, projection, event)
        if (fault === undefined) continue
        if (projection.onPoison === 'halt') throw new PoisonedProjection(projection, event, fault)
        parkings.push({ projection, event, fault, first: true })
      }
      return { queries: [], parkings }
    })

  async function applyNews(events: readonly Delivered[]): Promise<void> {
    const from = known?.checkpoint?.position
    const news = from === undefined ? events : events.filter(({ position }) => position > from)
    if (news.length > 0) await apply(news)
  }

  async function apply(events: readonly Delivered[]): Promise<void> {
    try {
      await commitBatch(events)
    } catch (error) {
      if (error instanceof CheckpointMoved) {
        await lookAgain(error)
        return applyNews(events)
      }
      if (error instanceof PoisonedProjection) {
        const index = events.findIndex(({ position }) => position === error.event.position)
        if (index > 0) await apply(events.slice(0, index))
        throw error
      }
      if (failureOf(error) !== 'refusedData') throw error
      if (events.length === 1) return commitIsolated(events[0]!)
      const middle = Math.floor(events.length / 2)
      await apply(events.slice(0, middle))
      await apply(events.slice(middle))
    }
  }

  return {
    resume,
    async write(events) {
      if (known === undefined || attempted !== undefined) await resume()
      await applyNews(events)
    },
    position: () => known?.checkpoint?.position,
    include(more) {
      projections = [...projections, ...more]
      byEventType = projectionsByEventType(projections)
    },
  }
}

const BEHIND = 'stands behind a parked event of its stream'

/** The changes of a batch, and the events to park. Throws PoisonedProjection at the first poison that halts. */
function collect(
  events: readonly Delivered[],
  byEventType: ProjectionsByEventType,
  alreadyParked: ReadonlySet<string>,
): { changes: Change[]; parkings: Parking[] } {
  const changes: Change[] = []
  const parkings: Parking[] = []
  const parked = new Set(alreadyParked)
  for (const event of events) {
    const concerned = isPoison(event) ? byEventType.ofAnyVersion(event.type) : byEventType.of(event.type)
    for (const projection of concerned) {
      const key = parkedKey(projection.name, event.stream)
      if (parked.has(key)) {
        parkings.push({ projection, event, fault: BEHIND, first: false })
        continue
      }
      try {
        if (isPoison(event)) throw new HandlerFailed(event.fault)
        changes.push(...changesOf(projection, event))
      } catch (error) {
        if (!(error instanceof HandlerFailed)) throw error
        const fault = error.message
        if (projection.onPoison === 'halt') throw new PoisonedProjection(projection, event, fault)
        parked.add(key)
        parkings.push({ projection, event, fault, first: true })
      }
    }
  }
  return { changes, parkings }
}
