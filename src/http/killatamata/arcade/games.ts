/** POST arcade/games and GET arcade/games/mine: games of a creator, with their releases. */
import { z } from '@hono/zod-openapi'
import { createGame } from '../../../processes/killatamata/arcade/releasing.ts'
import { listOwnGames, listOwnReleases } from '../../../projections/killatamata/arcade.ts'
import { json } from '../../answers.ts'
import { boundedText, listOf } from '../../schemas.ts'
import { accountKey, read, write } from '../access.ts'
import { requestKey } from '../request-key.ts'
import { gameAnswer, gameRowView, gameView, ownGameShown, releaseRowView } from './views.ts'

const SLUG = /^[a-z0-9](?:[a-z0-9-]{1,46}[a-z0-9])$/
const SLUG_LENGTH_MAX = 48
const TITLE = { min: 2, max: 80 }
const SHORT_MAX = 160
const DESCRIPTION_MAX = 4_000
const TAGS_MAX = 8
const TAG_MAX = 24

/** The contract names no lengths. */
const ofLength = (min: number, max: number) =>
  boundedText(max).refine((given) => given.trim().length >= min, `must have at least ${min} characters`)

const request = z.object({
  slug: boundedText(SLUG_LENGTH_MAX).refine(
    (given) => SLUG.test(given),
    'must have 3 to 48 small letters, digits and hyphens, a letter or digit at both ends',
  ),
  title: ofLength(TITLE.min, TITLE.max),
  shortDescription: ofLength(1, SHORT_MAX),
  description: ofLength(1, DESCRIPTION_MAX),
  tags: listOf(ofLength(1, TAG_MAX), TAGS_MAX).optional(),
})

export const createArcadeGame = write({
  path: '/api/v1/arcade/games',
  id: 'createArcadeGame',
  tags: ['arcade'],
  summary: 'Create an arcade game record',
  description: 'The slug is the game’s own, in the whole arcade.',
  access: accountKey,
  key: requestKey,
  body: request,
  answers: { 201: json(gameAnswer, 'The game.') },
  refuses: ['slug_taken'],
  async handle({ bus, principal: { accountId }, body, command }) {
    const { slug, title, shortDescription, description, tags = [] } = body
    const wanted = { accountId, slug, title, shortDescription, description, tags }
    const { facts, handled } = await createGame({ bus }, wanted, command)
    return { status: 201, body: { ok: true as const, game: gameView(facts) }, handled }
  },
})

/** More are not shown. */
const GAMES_MAX = 500
const RELEASES_MAX = 2_000

export const listArcadeGames = read({
  path: '/api/v1/arcade/games/mine',
  id: 'listArcadeGames',
  tags: ['arcade'],
  summary: 'List creator-owned arcade games and releases',
  description: 'Newest first, releases too.',
  access: accountKey,
  isList: true,
  answer: json(
    z.object({ ok: z.literal(true), games: z.array(ownGameShown) }).openapi('ArcadeOwnGameListResponse'),
    'The games.',
  ),
  async handle({ db, apiUrl, principal: { accountId } }) {
    const [games, releases] = await Promise.all([
      listOwnGames(db, accountId, GAMES_MAX),
      listOwnReleases(db, accountId, RELEASES_MAX),
    ])
    const byGame = Map.groupBy(releases, ({ game_id }) => game_id)
    const shown = games.map((game) => ({
      ...gameRowView(game),
      releases: (byGame.get(game.game_id) ?? []).map((release) => releaseRowView(apiUrl(), release)),
    }))
    return { ok: true as const, games: shown }
  },
})
