/** Games and releases as the API shows them. */
import { z } from '@hono/zod-openapi'
import type { GameFacts, ReleaseFacts } from '../../../commands/killatamata/arcade-game.ts'
import type { ArcadeReleaseState } from '../../../commands/killatamata/arcade-release.ts'
import { channel } from '../../../events/killatamata/arcade.ts'
import { COVERS_PATH } from '../../../processes/killatamata/arcade/files.ts'
import type { GameRow, ReleaseRow } from '../../../projections/killatamata/arcade.ts'
import { nullableTimeOut, timeOut } from '../../schemas.ts'

/** The channel of a query or a body. */
export const wantedChannel = channel.default('live')

export const gameShown = z
  .object({
    ...{ gameId: z.string(), slug: z.string(), title: z.string() },
    ...{ shortDescription: z.string(), description: z.string(), tags: z.array(z.string()) },
    ...{ createdAt: timeOut, updatedAt: timeOut },
  })
  .openapi('ArcadeGame')

const status = z.enum(['draft', 'submitted', 'in_review', 'approved', 'rejected', 'published'])
const releaseMembers = {
  ...{ releaseId: z.string(), gameId: z.string(), version: z.string(), status },
  ...{ sizeBytes: z.int(), fileCount: z.int(), sha256: z.string(), entrypoint: z.string() },
  coverUrl: z.string().nullable(),
  checks: z.array(z.object({ name: z.string(), passed: z.literal(true) }).openapi('ArcadeReleaseCheck')),
  reviewNotes: z.string().nullable(),
  ...{ createdAt: timeOut, submittedAt: nullableTimeOut },
}
export const releaseShown = z.object(releaseMembers).openapi('ArcadeRelease')
export const queuedShown = z
  .object({ ...releaseMembers, slug: z.string(), title: z.string() })
  .openapi('ArcadeQueuedRelease')
export const ownGameShown = z.object({ ...gameShown.shape, releases: z.array(releaseShown) }).openapi('ArcadeOwnGame')

export const gameAnswer = z.object({ ok: z.literal(true), game: gameShown }).openapi('ArcadeGameResponse')
export const releaseAnswer = z.object({ ok: z.literal(true), release: releaseShown }).openapi('ArcadeReleaseResponse')

type GameShown = z.input<typeof gameShown>
/** Members in one order, whoever names them: a repeat is answered with the same bytes. */
const gameOf = ({
  gameId,
  slug,
  title,
  shortDescription,
  description,
  tags,
  createdAt,
}: Omit<GameShown, 'updatedAt'>) => ({
  ...{ gameId, slug, title, shortDescription, description, tags, createdAt },
  updatedAt: createdAt,
})

export const gameView = ({ occurredAt: createdAt, ...facts }: GameFacts): GameShown => gameOf({ ...facts, createdAt })

export const gameRowView = (row: GameRow): GameShown =>
  gameOf({
    ...{ gameId: row.game_id, slug: row.slug, title: row.title, shortDescription: row.short_description },
    ...{ description: row.description, tags: row.tags, createdAt: row.created_at },
  })

/** Null: the release has no cover. */
export const coverUrlOf = (apiUrl: string, releaseId: string, sha256: string | null): string | null =>
  sha256 === null ? null : `${apiUrl}${COVERS_PATH}/${releaseId}/${sha256}.webp`

const passed = (checks: readonly string[]) => checks.map((name) => ({ name, passed: true as const }))

export function releaseView(
  apiUrl: string,
  { facts, status, notes, submittedAt }: Exclude<ArcadeReleaseState, { status: 'absent' }>,
): z.input<typeof releaseShown> {
  const { releaseId, gameId, version, sizeBytes, fileCount, sha256, entrypoint }: ReleaseFacts = facts
  return {
    ...{ releaseId, gameId, version, status, sizeBytes, fileCount, sha256, entrypoint },
    ...{ coverUrl: coverUrlOf(apiUrl, releaseId, facts.coverSha256), checks: passed(facts.checks) },
    ...{ reviewNotes: notes, createdAt: facts.occurredAt, submittedAt },
  }
}

export const releaseRowView = (apiUrl: string, row: ReleaseRow): z.input<typeof releaseShown> => ({
  ...{ releaseId: row.release_id, gameId: row.game_id, version: row.version, status: row.status },
  ...{ sizeBytes: Number(row.size_bytes), fileCount: row.file_count, sha256: row.sha256, entrypoint: row.entrypoint },
  ...{ coverUrl: coverUrlOf(apiUrl, row.release_id, row.cover_sha256), checks: passed(row.checks) },
  ...{ reviewNotes: row.notes, createdAt: row.created_at, submittedAt: row.submitted_at },
})
