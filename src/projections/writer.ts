/**
 * Takes batches of events into the tables: the rows of every projection and the checkpoint in one transaction per batch.
 * It also deals with poison, an event that does not decode, that its handler throws at, or that Postgres refuses: in a
 * projection of money it stops the writer; in any other it is parked with what follows it in its stream.
 */
import { sql } from 'kysely'
import { type Delivered, isPoison } from '../events/subscription.ts'
import { inTransaction, isRefusedData, type OpenTransaction, type ReadModels } from '../postgres/database.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import { applyOrUndo, changesOf, HandlerFailed } from './apply.ts'
import { createBulkFlush } from './bulk.ts'
import { type ProjectionsByEventType, projectionsByEventType } from './by-event-type.ts'
import { flush, statementsFor } from './changes.ts'
import { type Checkpoint, CheckpointMoved, moveCheckpoint, readCheckpoint } from './checkpoint.ts'
import { ProjectorPaused, readControl } from './control.ts'
import { lockParked, type Parking, park, parkedKey, parkedStreams } from './parking.ts'
import { commitPipelined } from './pipelined-commit.ts'
import type { Change, Projection } from './projection.ts'
import { storedVersions } from './schema.ts'

/** Poison in a projection of money: nothing of it or after it was applied, and going on would be wrong. */
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
  /** Write into this schema's tables and checkpoint instead of the live ones. */
  schema?: string
  /** Runs of a transaction that Postgres wants run again. */
  transactionAttemptsMax: number
  onParked?: (parking: Parking) => void
}

export interface BatchWriter {
  /** Reads where to go on from: the position of the last event applied. Throws CheckpointMoved. */
  resume(): Promise<bigint | undefined>
  /**
   * Applies events in log order; those already applied are passed over. Throws CheckpointMoved, PoisonedProjection,
   * ProjectorPaused, or what Postgres throws; after the latter two the same events may be given again.
   */
  write(events: readonly Delivered[]): Promise<void>
  position(): bigint | undefined
  /** Takes over projections from a rebuild, which has brought their tables as far as the others'. */
  include(projections: readonly Projection[]): void
}

export function createBatchWriter(options: WriterOptions): BatchWriter {
  const { db, schema, checkpoint } = options
  let projections = options.projections
  let interests = projectionsByEventType(projections)
  const flushBatch = schema ? createBulkFlush(projections) : flush
  /** undefined: never read. */
  let known: { checkpoint: Checkpoint | undefined } | undefined
  /** Where the checkpoint may stand as well, after a commit without an answer. */
  let attempted: Checkpoint | undefined
  /** The tables' generation at the last look (control.ts). */
  let generation = 0n
  /** Possibly more than are parked, as somebody else may retry them; never less. */
  let parked = new Set<string>()

  const transaction = <T>(work: (trx: OpenTransaction) => Promise<T>): Promise<T> =>
    inTransaction(db, options.transactionAttemptsMax, async (trx) => {
      if (schema) {
        await sql`SET LOCAL search_path TO ${sql.id(schema)}`.execute(trx)
        // What a crash takes from a shadow it takes with the checkpoint, and the rebuild does it again.
        await sql`SET LOCAL synchronous_commit TO off`.execute(trx)
      }
      return work(trx)
    })

  async function resume(): Promise<bigint | undefined> {
    const found = await transaction(async (trx) => ({
      checkpoint: await readCheckpoint(trx, checkpoint),
      control: await readControl(trx, checkpoint),
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
    generation = found.control.generation
    return known.checkpoint?.position
  }

  /**
   * The checkpoint did not move: is it somebody else's doing, or is it paused, or have the tables behind it been
   * exchanged by a rebuild in another process? After the last, and where they are of the same versions, the way on is
   * with what is parked now. Throws CheckpointMoved or ProjectorPaused.
   */
  async function lookAgain(error: CheckpointMoved): Promise<void> {
    const control = await transaction((trx) => readControl(trx, checkpoint))
    const before = generation
    await resume()
    if (control.pausedAt) throw new ProjectorPaused(`the projector is paused since ${control.pausedAt}`)
    if (generation === before) throw error
    const versions = await transaction((trx) => storedVersions(trx))
    const other = projections.find(({ name, version }) => versions.get(name) !== version)
    if (other) throw new CheckpointMoved(`the tables of ${other.name} are of another version now`, { cause: error })
  }

  /** One transaction: the checkpoint moves to the last of the events, and `work` writes what belongs to them. */
  async function move(
    events: readonly Delivered[],
    work: (trx: OpenTransaction) => Promise<readonly Parking[]>,
  ): Promise<void> {
    const to = checkpointOf(events.at(-1)!)
    attempted = to
    const parkings = await transaction(async (trx) => {
      await moveCheckpoint(trx, checkpoint, known?.checkpoint, to, generation)
      const done = await work(trx)
      await park(trx, done)
      crashPoint('projector.before-commit', events)
      return done
    })
    known = { checkpoint: to }
    attempted = undefined
    for (const parking of parkings) {
      parked.add(parkedKey(parking.projection.name, parking.event.stream))
      if (parking.first) options.onParked?.(parking)
    }
  }

  /** Before an event is parked behind another: is that one still there, or has it been retried meanwhile? */
  async function refreshParked(trx: OpenTransaction, events: readonly Delivered[]): Promise<void> {
    if (parked.size === 0) return
    const isBehind = ({ stream, type }: Delivered) =>
      interests.ofAnyVersion(type).some(({ name }) => parked.has(parkedKey(name, stream)))
    if (!events.some(isBehind)) return
    await lockParked(trx)
    parked = await parkedStreams(trx)
  }

  /** Nothing is parked, in a batch that parks nothing: what it comes to is known before the transaction begins. */
  async function commitUsual(events: readonly Delivered[], from: Checkpoint): Promise<boolean> {
    const { changes, parkings } = collect(events, interests, parked)
    if (parkings.length > 0) return false
    const to = checkpointOf(events.at(-1)!)
    attempted = to
    const statements = statementsFor(changes)
    await commitPipelined({
      db,
      checkpoint,
      attemptsMax: options.transactionAttemptsMax,
      from,
      to,
      generation,
      statements,
      events,
    })
    known = { checkpoint: to }
    attempted = undefined
    return true
  }

  async function commit(events: readonly Delivered[]): Promise<void> {
    const isUsual = !schema && parked.size === 0
    if (isUsual && known?.checkpoint && (await commitUsual(events, known.checkpoint))) return
    await move(events, async (trx) => {
      await refreshParked(trx, events)
      const { changes, parkings } = collect(events, interests, parked)
      await flushBatch(trx, changes)
      return parkings
    })
  }

  /** One event that Postgres refuses for some projection: each on its own, the refused ones parked. */
  const isolate = (event: Delivered): Promise<void> =>
    move([event], async (trx) => {
      await refreshParked(trx, [event])
      const parkings: Parking[] = []
      for (const projection of interests.ofAnyVersion(event.type)) {
        if (parked.has(parkedKey(projection.name, event.stream))) {
          parkings.push({ projection, event, fault: BEHIND, first: false })
          continue
        }
        const fault = isPoison(event) ? event.fault : await applyOrUndo(trx, projection, event)
        if (fault === undefined) continue
        if (projection.onPoison === 'halt') throw new PoisonedProjection(projection, event, fault)
        parkings.push({ projection, event, fault, first: true })
      }
      return parkings
    })

  async function applyNews(events: readonly Delivered[]): Promise<void> {
    const from = known?.checkpoint?.position
    const news = from === undefined ? events : events.filter(({ position }) => position > from)
    if (news.length > 0) await apply(news)
  }

  async function apply(events: readonly Delivered[]): Promise<void> {
    try {
      await commit(events)
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
      if (!isRefusedData(error)) throw error
      if (events.length === 1) return isolate(events[0]!)
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
      interests = projectionsByEventType(projections)
    },
  }
}

const checkpointOf = ({ position, id }: Delivered): Checkpoint => ({ position, eventId: id })

const BEHIND = 'stands behind a parked event of its stream'

/** What the events come to. Throws PoisonedProjection at the first poison of a projection of money. */
function collect(
  events: readonly Delivered[],
  interests: ProjectionsByEventType,
  alreadyParked: ReadonlySet<string>,
): { changes: Change[]; parkings: Parking[] } {
  const changes: Change[] = []
  const parkings: Parking[] = []
  const parked = new Set(alreadyParked)
  for (const event of events) {
    const concerned = isPoison(event) ? interests.ofAnyVersion(event.type) : interests.of(event.type)
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
