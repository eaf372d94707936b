/**
 * Queries that are asked all the time, compiled once. kysely builds and compiles a query anew at each call, which costs
 * as much as the rest of a look-up by key; here the builder runs once, with markers in the place of its arguments, and
 * each call only puts the values where the markers came out.
 */
import type { Compilable, CompiledQuery, Kysely } from 'kysely'
import { batchedReadsOf } from './batched-reads.ts'
import { databaseOf, type ReadModels } from './database.ts'
import type { Value } from './pipeline.ts'

/** Takes the values in the order of the builder's arguments. Rows come as from `execute()`, at most one as asked for. */
export type Prepared<Args extends readonly unknown[], Row> = (db: ReadModels, ...args: Args) => Promise<Row | undefined>

/**
 * Makes `preparedOne` for queries over these tables: a query for at most one row. `build` must put each of its arguments
 * into the query as a value and decide nothing by it: throws at the first call where a marker is missing from what was
 * compiled.
 */
export const preparedFor =
  <Tables>() =>
  <Args extends readonly unknown[], Row>(
    build: (db: Kysely<Tables>, ...args: Args) => Compilable<Row>,
  ): Prepared<Args, Row> =>
    prepared((db, ...args) => build(databaseOf<Tables>(db), ...args))

function prepared<Args extends readonly unknown[], Row>(
  build: (db: ReadModels, ...args: Args) => Compilable<Row>,
): Prepared<Args, Row> {
  let compiled: CompiledQuery<Row> | undefined
  /** For each parameter of the query the argument it takes, or -1 for a constant. */
  let sources: number[] = []
  return async (db, ...args) => {
    if (!compiled) {
      const markers = args.map((_, index) => `argument ${index}`)
      compiled = build(db, ...(markers as unknown as Args)).compile()
      sources = compiled.parameters.map((parameter) => markers.indexOf(parameter as string))
      const lost = markers.find((_, index) => !sources.includes(index))
      if (lost !== undefined) throw new Error(`a prepared query has no place for ${lost}`)
    }
    const parameters = compiled.parameters.map((constant, index) => {
      const source = sources[index]!
      return source < 0 ? constant : args[source]
    })
    if (db.isTransaction) return (await db.executeQuery<Row>({ ...compiled, parameters })).rows[0]
    const rows = await batchedReadsOf(db)(compiled.sql, parameters as Value[])
    return rows[0] as Row | undefined
  }
}
