/** Transactions that were handed out unsigned, by trader. */
import type { BuildEvent } from '../../events/ostium/build.ts'
import type { Channel, Operation, Transaction } from '../../events/ostium/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { integer, jsonb, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, type RowOf, upsert } from '../projection.ts'
import { ostiumTables } from './tables.ts'

export const builds = defineTable({
  name: 'ostium_build',
  key: ['build_id'],
  columns: {
    build_id: uuid,
    chain_id: integer,
    /** In lower case. */
    trader: text,
    operation: text.of<Operation>(),
    channel: text.of<Channel>(),
    /** As they were handed out. */
    transactions: jsonb.of<Transaction[]>(),
    built_at: time,
  },
  indexes: ['(trader, chain_id, built_at DESC)'],
})
export type BuildRow = RowOf<typeof builds>

const buildIdOf = (stream: string): string => stream.slice(stream.indexOf('-') + 1)

export const buildProjection = defineProjection<BuildEvent>({
  name: 'ostium.build',
  version: 1,
  onPoison: 'park',
  tables: [builds],
  handlers: {
    'ostium.TransactionsBuilt.v1': ({ stream, data }) => [
      upsert(builds, {
        build_id: buildIdOf(stream),
        chain_id: data.chainId,
        trader: data.trader.toLowerCase(),
        ...{ operation: data.operation, channel: data.channel },
        transactions: data.transactions,
        built_at: data.occurredAt,
      }),
    ],
  },
})

/** The last of a trader, newest first, at most `limit`. */
export const findBuilds = (db: ReadModels, chainId: number, trader: string, limit: number): Promise<BuildRow[]> =>
  ostiumTables(db)
    .selectFrom('ostium_build')
    .selectAll()
    .where('chain_id', '=', chainId)
    .where('trader', '=', trader.toLowerCase())
    .orderBy('built_at', 'desc')
    .limit(limit)
    .execute()
