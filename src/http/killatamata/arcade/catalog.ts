/** GET arcade/catalog and arcade/games/detail: what a channel has, as far as the account may see it. */
import { z } from '@hono/zod-openapi'
import { gameNotFound } from '../../../commands/killatamata/arcade-game.ts'
import { channel, visibility } from '../../../events/killatamata/arcade.ts'
import { findOnChannel, listCatalog } from '../../../projections/killatamata/arcade.ts'
import { json } from '../../answers.ts'
import { boundedText } from '../../schemas.ts'
import { accountKey, read } from '../access.ts'
import { viewerOf } from './reviewers.ts'
import { coverUrlOf, gameRowView, gameShown, releaseRowView, releaseShown, wantedChannel } from './views.ts'

const ENTRIES_MAX = 500
const SLUG_LENGTH_MAX = 100
export const wantedSlug = boundedText(SLUG_LENGTH_MAX)

const entry = z
  .object({
    ...{ slug: z.string(), title: z.string(), shortDescription: z.string(), tags: z.array(z.string()) },
    ...{ releaseId: z.string(), version: z.string(), coverUrl: z.string().nullable(), visibility },
  })
  .openapi('ArcadeCatalogEntry')

export const listArcadeCatalog = read({
  path: '/api/v1/arcade/catalog',
  id: 'listArcadeCatalog',
  tags: ['arcade'],
  summary: 'List accessible arcade catalog entries for one channel',
  description: 'The last published first, 500 at most.',
  access: accountKey,
  query: z.object({ channel: wantedChannel }),
  isList: true,
  answer: json(
    z.object({ ok: z.literal(true), channel, entries: z.array(entry) }).openapi('ArcadeCatalogResponse'),
    'What the channel has.',
  ),
  async handle({ bus, db, apiUrl, principal: { accountId }, query }) {
    const rows = await listCatalog(db, query.channel, await viewerOf(bus, accountId), ENTRIES_MAX)
    const entries = rows.map((row) => ({
      ...{ slug: row.slug, title: row.title, shortDescription: row.short_description, tags: row.tags },
      ...{ releaseId: row.release_id, version: row.version, visibility: row.visibility },
      coverUrl: coverUrlOf(apiUrl(), row.release_id, row.cover_sha256),
    }))
    return { ok: true as const, channel: query.channel, entries }
  },
})

export const getArcadeGame = read({
  path: '/api/v1/arcade/games/detail',
  id: 'getArcadeGame',
  tags: ['arcade'],
  summary: 'Load one arcade game detail record by slug and channel',
  description: 'A game that the channel does not show to this account is not found.',
  access: accountKey,
  query: z.object({ slug: wantedSlug, channel: wantedChannel }),
  answer: json(
    z.object({ ok: z.literal(true), game: gameShown, release: releaseShown }).openapi('ArcadeGameDetailResponse'),
    'The game, and its release on the channel.',
  ),
  refuses: ['game_not_found'],
  async handle({ bus, db, apiUrl, principal: { accountId }, query }) {
    const found = await findOnChannel(db, query, await viewerOf(bus, accountId))
    if (!found) throw gameNotFound()
    return {
      ...{ ok: true as const, game: gameRowView(found.game) },
      release: releaseRowView(apiUrl(), found.release),
    }
  },
})
