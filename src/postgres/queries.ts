/**
 * Queries over declared tables. Those of hot paths are compiled once, since compiling costs as much as the rest of a read by
 * key, and kysely would do it at each call. The builder runs once, with markers in the place of its arguments. Each call
 * puts its values where the markers came out.
 */
import type { Compilable, CompiledQuery, Kysely } from 'kysely'
import { batchedReadsOf } from './batched-reads.ts'
import type { ReadModels } from './database.ts'
import type { Value } from './pipeline.ts'

/** Takes the values in the order of the builder's arguments. Answers the first row as `execute()` gives it. */
export type Prepared<Args extends readonly unknown[], Row> = (db: ReadModels, ...args: Args) => Promise<Row | undefined>

export interface Queries<Tables> {
  /** The database, for queries that name these tables. */
  tables(db: ReadModels): Kysely<Tables>
  /**
   * A query for at most one row, compiled once. `build` must put each argument into the query as a value and decide
   * nothing by it. The first call throws where the compiled query lacks an argument.
   */
  preparedOne<Args extends readonly unknown[], Row>(
    build: (db: Kysely<Tables>, ...args: Args) => Compilable<Row>,
  ): Prepared<Args, Row>
}

/** `Tables` maps a table's name to its row. This is the one place that takes the declared types for granted. */
export function queriesOver<Tables>(): Queries<Tables> {
  const tables = (db: ReadModels) => db as unknown as Kysely<Tables>
  return { tables, preparedOne: (build) => prepared((db, ...args) => build(tables(db), ...args)) }
}

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
