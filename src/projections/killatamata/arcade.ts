/** Games, their releases, what each channel has, and launches that have not ended. */
import type {
  ArcadeGameEvent,
  ArcadeLaunchEvent,
  ArcadeReleaseEvent,
  Channel,
  Visibility,
} from '../../events/killatamata/arcade.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, boolean, byBeginning, integer, text, time } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, remove, upsert } from '../projection.ts'
import { killatamataTables } from './tables.ts'

export const games = defineTable({
  name: 'killatamata_games',
  key: ['game_id'],
  columns: {
    game_id: text,
    account_id: text,
    slug: text,
    title: text,
    short_description: text,
    description: text,
    tags: text.array,
    created_at: time,
  },
  indexes: [byBeginning('game_id'), '(slug)', '(account_id, created_at DESC, game_id DESC)'],
})
export type GameRow = RowOf<typeof games>

export type ReleaseStatus = 'draft' | 'submitted' | 'in_review' | 'approved' | 'rejected' | 'published'

export const releases = defineTable({
  name: 'killatamata_releases',
  key: ['release_id'],
  columns: {
    release_id: text,
    game_id: text,
    account_id: text,
    version: text,
    status: text.of<ReleaseStatus>(),
    entrypoint: text,
    threads: boolean,
    size_bytes: bigint,
    sha256: text,
    file_count: integer,
    /** Null: it has no cover. */
    cover_sha256: text.orNull,
    checks: text.array,
    notes: text.orNull,
    submitted_at: time.orNull,
    created_at: time,
    updated_at: time,
  },
  indexes: [
    byBeginning('release_id'),
    '(game_id, created_at DESC, release_id DESC)',
    '(account_id, created_at DESC, release_id DESC)',
    "(submitted_at, release_id) WHERE status IN ('submitted', 'in_review')",
  ],
})
export type ReleaseRow = RowOf<typeof releases>

export const channels = defineTable({
  name: 'killatamata_channels',
  key: ['game_id', 'channel'],
  columns: {
    game_id: text,
    channel: text.of<Channel>(),
    release_id: text,
    visibility: text.of<Visibility>(),
    published_at: time,
  },
  indexes: ['(channel, published_at DESC, game_id DESC)'],
})

const to = (status: ReleaseStatus, { releaseId, occurredAt }: { releaseId: string; occurredAt: string }) =>
  patch(releases, { release_id: releaseId }, { status, updated_at: occurredAt })

const noted = ({ releaseId, notes }: { releaseId: string; notes: string | null }) =>
  notes === null ? [] : [patch(releases, { release_id: releaseId }, { notes })]

export const arcadeProjection = defineProjection<ArcadeGameEvent | ArcadeReleaseEvent>({
  name: 'killatamata.arcade',
  version: 2,
  onPoison: 'park',
  tables: [games, releases, channels],
  handlers: {
    'killatamata.GameCreated.v1': ({ data: { occurredAt: created_at, ...data } }) => [
      upsert(games, { ...snake(data), created_at }),
    ],
    'killatamata.ReleaseUploaded.v1': ({ data }) => [
      upsert(releases, {
        ...snake(data, 'releaseId', 'gameId', 'accountId', 'version', 'entrypoint', 'threads', 'sha256', 'fileCount'),
        ...snake(data, 'coverSha256', 'checks'),
        ...{ size_bytes: String(data.sizeBytes), status: 'draft', notes: null, submitted_at: null },
        ...{ created_at: data.occurredAt, updated_at: data.occurredAt },
      }),
    ],
    'killatamata.ReleaseSubmitted.v1': ({ data }) => [
      to('submitted', data),
      patch(releases, snake(data, 'releaseId'), { submitted_at: data.occurredAt }),
    ],
    'killatamata.ReleaseReviewStarted.v1': ({ data }) => [to('in_review', data), ...noted(data)],
    'killatamata.ReleaseApproved.v1': ({ data }) => [to('approved', data), ...noted(data)],
    'killatamata.ReleaseRejected.v1': ({ data }) => [to('rejected', data), ...noted(data)],
    'killatamata.ReleasePublished.v1': ({ data }) => [
      to('published', data),
      ...noted(data),
      upsert(channels, {
        ...snake(data, 'gameId', 'channel', 'releaseId', 'visibility'),
        published_at: data.occurredAt,
      }),
    ],
  },
})

export const launches = defineTable({
  name: 'killatamata_launches',
  key: ['session_id'],
  columns: {
    session_id: text,
    /** When nobody may open it any more, as far as it is known. */
    ends_at: time,
    /** Null: it has not begun. */
    seen_at: time.orNull,
  },
  indexes: ['(ends_at)', '(seen_at) WHERE seen_at IS NOT NULL'],
})

export const launchProjection = defineProjection<ArcadeLaunchEvent>({
  name: 'killatamata.launch',
  version: 1,
  onPoison: 'park',
  tables: [launches],
  handlers: {
    'killatamata.LaunchCreated.v1': ({ data }) => [
      upsert(launches, { ...snake(data, 'sessionId'), ends_at: data.startBy, seen_at: null }),
    ],
    'killatamata.LaunchStarted.v1': ({ data }) => [
      patch(launches, snake(data, 'sessionId'), { ends_at: data.expiresAt, seen_at: data.occurredAt }),
    ],
    'killatamata.LaunchHeartbeat.v1': ({ data }) => [
      patch(launches, snake(data, 'sessionId'), { seen_at: data.occurredAt }),
    ],
    'killatamata.LaunchEnded.v1': ({ data }) => [remove(launches, snake(data, 'sessionId'))],
    'killatamata.LaunchFailed.v1': ({ data }) => [remove(launches, snake(data, 'sessionId'))],
  },
})

/** Launches whose time is over at `now`, or of which nothing was heard since `silentSince` (RFC 3339). */
export const findEndedLaunches = (db: ReadModels, now: string, silentSince: string, limit: number) =>
  killatamataTables(db)
    .selectFrom('killatamata_launches')
    .select('session_id')
    .where((each) => each.or([each('ends_at', '<=', now), each('seen_at', '<=', silentSince)]))
    .orderBy('ends_at')
    .limit(limit)
    .execute()

/** Games of an account, newest first. */
export const listOwnGames = (db: ReadModels, accountId: string, limit: number): Promise<GameRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_games')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('created_at', 'desc')
    .orderBy('game_id', 'desc')
    .limit(limit)
    .execute()

/** Releases of an account, newest first. */
export const listOwnReleases = (db: ReadModels, accountId: string, limit: number): Promise<ReleaseRow[]> =>
  killatamataTables(db)
    .selectFrom('killatamata_releases')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('created_at', 'desc')
    .orderBy('release_id', 'desc')
    .limit(limit)
    .execute()

/** Releases that wait for their review, the longest waiting first, with what their games are called. */
export const listReviewQueue = (db: ReadModels, limit: number) =>
  killatamataTables(db)
    .selectFrom('killatamata_releases as release')
    .innerJoin('killatamata_games as game', 'game.game_id', 'release.game_id')
    .selectAll('release')
    .select(['game.slug', 'game.title'])
    .where('release.status', 'in', ['submitted', 'in_review'])
    .orderBy('release.submitted_at')
    .orderBy('release.release_id')
    .limit(limit)
    .execute()

/** Who asks, and whether he may see everything. */
export interface Viewer {
  accountId: string
  isAdmin: boolean
}

/** What a channel has and this account may see. */
const visibleOn = (db: ReadModels, channel: Channel, { accountId, isAdmin }: Viewer) => {
  const all = killatamataTables(db)
    .selectFrom('killatamata_channels as on_channel')
    .innerJoin('killatamata_games as game', 'game.game_id', 'on_channel.game_id')
    .innerJoin('killatamata_releases as release', 'release.release_id', 'on_channel.release_id')
    .where('on_channel.channel', '=', channel)
  if (isAdmin) return all
  return all.where((each) =>
    each.or([
      each('on_channel.visibility', '=', 'public'),
      each.and([each('on_channel.visibility', '=', 'owner_only'), each('game.account_id', '=', accountId)]),
    ]),
  )
}

/** The last published first. */
export const listCatalog = (db: ReadModels, channel: Channel, viewer: Viewer, limit: number) =>
  visibleOn(db, channel, viewer)
    .selectAll('release')
    .select(['game.slug', 'game.title', 'game.short_description', 'game.tags', 'on_channel.visibility'])
    .orderBy('on_channel.published_at', 'desc')
    .orderBy('on_channel.game_id', 'desc')
    .limit(limit)
    .execute()

/** What the channel has of a game; undefined: nothing that this account may see. */
export async function findOnChannel(
  db: ReadModels,
  { slug, channel }: { slug: string; channel: Channel },
  viewer: Viewer,
): Promise<{ game: GameRow; release: ReleaseRow } | undefined> {
  const on = await visibleOn(db, channel, viewer)
    .selectAll('release')
    .where('game.slug', '=', slug)
    .limit(1)
    .executeTakeFirst()
  if (!on) return undefined
  const game = await killatamataTables(db)
    .selectFrom('killatamata_games')
    .selectAll()
    .where('game_id', '=', on.game_id)
    .executeTakeFirstOrThrow()
  return { game, release: on }
}

/** The game, whoever's. */
export const findGame = (db: ReadModels, gameId: string): Promise<GameRow | undefined> =>
  killatamataTables(db).selectFrom('killatamata_games').selectAll().where('game_id', '=', gameId).executeTakeFirst()
