/** Historical feeds and grants, for the administrator's lists. */
import type { FeedEvent } from '../../events/noctant/feed.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, upsert } from '../projection.ts'
import { noctantTables } from './tables.ts'

type Imported = Extract<FeedEvent, { type: 'noctant.FeedImported.v1' }>['data']

export type FeedRow = {
  feed_id: string
  symbol: string
  kind: Imported['kind']
  content_hash: string
  row_count: number
  starts_at: string
  ends_at: string
  imported_at: string
}

export type FeedGrantRow = {
  feed_id: string
  operator_id: string
  granted_from: string
  granted_to: string
  granted_at: string
}

export const feeds = defineTable<FeedRow, 'feed_id'>({
  name: 'noctant_feeds',
  key: ['feed_id'],
  columns: {
    feed_id: 'uuid NOT NULL',
    symbol: 'text NOT NULL',
    kind: 'text NOT NULL',
    content_hash: 'text NOT NULL',
    row_count: 'integer NOT NULL',
    starts_at: 'timestamptz(3) NOT NULL',
    ends_at: 'timestamptz(3) NOT NULL',
    imported_at: 'timestamptz(3) NOT NULL',
  },
})

export const feedGrants = defineTable<FeedGrantRow, 'feed_id' | 'operator_id'>({
  name: 'noctant_feed_grants',
  key: ['feed_id', 'operator_id'],
  columns: {
    feed_id: 'uuid NOT NULL',
    operator_id: 'uuid NOT NULL',
    granted_from: 'timestamptz(3) NOT NULL',
    granted_to: 'timestamptz(3) NOT NULL',
    granted_at: 'timestamptz(3) NOT NULL',
  },
})

export const feedProjection = defineProjection<FeedEvent>({
  name: 'noctant.feed',
  version: 1,
  onPoison: 'park',
  tables: [feeds, feedGrants],
  handlers: {
    'noctant.FeedImported.v1': ({ data }) => [
      upsert(feeds, {
        feed_id: data.feedId,
        symbol: data.symbol,
        kind: data.kind,
        content_hash: data.contentHash,
        row_count: data.rows,
        starts_at: data.startsAt,
        ends_at: data.endsAt,
        imported_at: data.occurredAt,
      }),
    ],
    'noctant.FeedGranted.v1': ({ data }) => [
      upsert(feedGrants, {
        feed_id: data.feedId,
        operator_id: data.operatorId,
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
