/** `opslog projections parked …`: what a projection could not take in, and what to do about it. */
import { sql } from 'kysely'
import { UndecodableEvent } from '../events/registry.ts'
import type { Delivered } from '../events/subscription.ts'
import { inTransaction } from '../postgres/transaction.ts'
import { kernelTables } from '../projections/kernel-tables.ts'
import { lockParked } from '../projections/parking.ts'
import { type Retried, retryParked } from '../projections/retry.ts'
import { chosenProjection, type ProjectionSession, withProjectionSession } from './projections-session.ts'
import { list, type OutputOptions } from './table-output.ts'
import { CliError, colours, EXIT, show } from './terminal.ts'

export interface ParkedOptions extends OutputOptions {
  projection?: string
  all?: boolean
}

interface ParkedStream {
  projection: string
  stream: string
}

const parkedRows = ({ db }: ProjectionSession, projection: string | undefined) =>
  kernelTables(db)
    .selectFrom('opslog_parked_events')
    .selectAll()
    .$if(projection !== undefined, (query) => query.where('projection', '=', projection!))
    .orderBy('projection')
    .orderBy('stream')
    .orderBy('revision')
    .execute()

export async function listParked(options: ParkedOptions): Promise<void> {
  if (options.projection) chosenProjection(options.projection)
  await withProjectionSession(async (session) => {
    const rows = await parkedRows(session, options.projection)
    list(
      rows,
      options,
      ['projection', 'stream', 'revision', 'type', 'fault', 'parked'],
      rows.map((row) => [row.projection, row.stream, row.revision, row.type, row.fault, row.parked_at]),
      'nothing is parked',
    )
  })
}

/** A stream's events; one that does not decode ends them as poison, so that the fault is kept with it. */
async function* delivered(
  { store, db }: ProjectionSession,
  projection: string,
  stream: string,
  from: bigint,
): AsyncIterable<Delivered> {
  let next = from
  try {
    for await (const event of store.readStream(stream, { from })) {
      yield event
      next = event.revision + 1n
    }
  } catch (error) {
    if (!(error instanceof UndecodableEvent)) throw error
    const row = await kernelTables(db)
      .selectFrom('opslog_parked_events')
      .selectAll()
      .where('projection', '=', projection)
      .where('stream', '=', stream)
      .where('revision', '=', `${next}`)
      .executeTakeFirst()
    if (!row) throw error
    yield {
      id: row.event_id,
      stream,
      revision: next,
      position: BigInt(row.position),
      type: row.type,
      data: undefined,
      metadata: undefined,
      recordedAt: new Date(row.parked_at),
      fault: error.message,
    }
  }
}

const retryOne = (session: ProjectionSession, { projection, stream }: ParkedStream): Promise<Retried> =>
  retryParked({
    db: session.db,
    projection: chosenProjection(projection),
    stream,
    readStream: (name, from) => delivered(session, projection, name, from),
    transactionAttemptsMax: session.transactionAttemptsMax,
  })

async function streamsOf(session: ProjectionSession, options: ParkedOptions, stream: string | undefined) {
  const rows = await parkedRows(session, options.projection)
  const wanted = rows.filter((row) => options.all || row.stream === stream)
  const seen = new Map(wanted.map((row) => [`${row.projection} ${row.stream}`, row]))
  if (seen.size > 0) return [...seen.values()].map(({ projection, stream }) => ({ projection, stream }))
  if (options.all) return []
  throw new CliError(EXIT.refused, `nothing of ${stream} is parked`, 'parked list shows what is.')
}

export async function retryStreams(stream: string | undefined, options: ParkedOptions): Promise<void> {
  if (!stream && !options.all) throw new CliError(EXIT.usage, 'name a stream, or say --all')
  await withProjectionSession(async (session) => {
    const outcomes: (ParkedStream & Retried)[] = []
    for (const parked of await streamsOf(session, options, stream)) {
      outcomes.push({ ...parked, ...(await retryOne(session, parked)) })
    }
    showOutcomes(outcomes, options)
  })
}

/** Gives up the first parked event of a stream for good, and takes in what waits behind it. */
export async function skipFirst(stream: string, options: ParkedOptions): Promise<void> {
  await withProjectionSession(async (session) => {
    const streams = await streamsOf(session, options, stream)
    if (streams.length > 1) {
      const names = streams.map(({ projection }) => projection).join(', ')
      throw new CliError(EXIT.usage, `${stream} is parked in several projections`, `Say --projection: ${names}`)
    }
    const [parked] = streams
    const skipped = await inTransaction(session.db, session.transactionAttemptsMax, async (trx) => {
      await lockParked(trx)
      const { rows } = await sql<{ revision: string; type: string }>`DELETE FROM opslog_parked_events
        WHERE (projection, stream, revision) = (SELECT projection, stream, revision FROM opslog_parked_events
          WHERE projection = ${parked!.projection} AND stream = ${stream} ORDER BY revision LIMIT 1)
        RETURNING revision, type`.execute(trx)
      return rows[0]
    })
    const outcome = { ...parked!, ...(await retryOne(session, parked!)) }
    process.stderr.write(`skipped revision ${skipped?.revision} (${skipped?.type}); a rebuild will meet it again\n`)
    showOutcomes([outcome], options)
  })
}

function showOutcomes(outcomes: readonly (ParkedStream & Retried)[], options: OutputOptions): void {
  const rows = outcomes.map(({ projection, stream, applied, fault }) => ({
    projection,
    stream,
    applied,
    fault: fault ?? null,
  }))
  if (outcomes.some(({ fault }) => fault !== undefined)) process.exitCode = EXIT.refused
  if (options.csv) {
    const cells = rows.map((row) => [row.projection, row.stream, `${row.applied}`, row.fault ?? ''])
    list(rows, options, ['projection', 'stream', 'applied', 'fault'], cells, '')
    return
  }
  show(rows, options, () =>
    rows.length === 0
      ? 'nothing is parked'
      : rows
          .map(({ projection, stream, applied, fault }) => {
            const mark = fault === null ? colours.green('taken in') : colours.red(`stopped: ${fault}`)
            return `${projection} ${stream}: ${applied} events, ${mark}`
          })
          .join('\n'),
  )
}
