/** Historical feeds and grants, for the administrator's lists. */
import type { FeedEvent } from '../../events/noctant/feed.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, type RowOf, upsert } from '../projection.ts'
import { noctantTables } from './tables.ts'

type Imported = Extract<FeedEvent, { type: 'noctant.FeedImported.v1' }>['data']

export const feeds = defineTable({
  name: 'noctant_feeds',
  key: ['feed_id'],
  columns: {
    feed_id: uuid,
    symbol: text,
    kind: text.of<Imported['kind']>(),
    content_hash: text,
    row_count: integer,
    starts_at: time,
    ends_at: time,
    imported_at: time,
  },
})
export type FeedRow = RowOf<typeof feeds>

export const feedGrants = defineTable({
  name: 'noctant_feed_grants',
  key: ['feed_id', 'operator_id'],
  columns: { feed_id: uuid, operator_id: uuid, granted_from: time, granted_to: time, granted_at: time },
})

export const feedProjection = defineProjection<FeedEvent>({
  name: 'noctant.feed',
  version: 1,
  onPoison: 'park',
  tables: [feeds, feedGrants],
  handlers: {
    'noctant.FeedImported.v1': ({ data }) => [
      upsert(feeds, { ...snake(data), row_count: data.rows, imported_at: data.occurredAt }),
    ],
    'noctant.FeedGranted.v1': ({ data }) => [
      upsert(feedGrants, {
        ...snake(data),
        granted_from: data.from,
        granted_to: data.to,
        granted_at: data.occurredAt,
      }),
    ],
  },
})

export type FeedView = FeedRow & {
  grants: { operator_id: string; slug: string | null; from: string; to: string }[]
}

/** All feeds by symbol, each with who may use it, at most `limit`. */
export async function listFeeds(db: ReadModels, limit = 1_000): Promise<FeedView[]> {
  const found = await noctantTables(db)
    .selectFrom('noctant_feeds')
    .selectAll()
    .orderBy('symbol')
    .orderBy('feed_id')
    .limit(limit)
    .execute()
  const grants = await noctantTables(db)
    .selectFrom('noctant_feed_grants as grant')
    .leftJoin('noctant_operators as operator', 'operator.operator_id', 'grant.operator_id')
    .select(['grant.feed_id', 'grant.operator_id', 'operator.slug', 'granted_from as from', 'granted_to as to'])
    .orderBy('grant.operator_id')
    .execute()
  const byFeed = Map.groupBy(grants, ({ feed_id }) => feed_id)
  return found.map((each) => ({
    ...each,
    grants: (byFeed.get(each.feed_id) ?? []).map(({ feed_id: _, ...grant }) => grant),
  }))
}
