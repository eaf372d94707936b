/** POST and PATCH arcade/launch-sessions: an address on which a release can be played, and how that goes. */
import { z } from '@hono/zod-openapi'
import { gameNotFound } from '../../../commands/killatamata/arcade-game.ts'
import { type ArcadeLaunchState, arcadeLaunch, launchNotFound } from '../../../commands/killatamata/arcade-launch.ts'
import { channel } from '../../../events/killatamata/arcade.ts'
import { createLaunch, launchUrlOf } from '../../../processes/killatamata/arcade/launching.ts'
import type { Arcade } from '../../../processes/killatamata/arcade/parts.ts'
import { findOnChannel } from '../../../projections/killatamata/arcade.ts'
import { isPrefixedId } from '../../../runtime/ulid.ts'
import { json } from '../../answers.ts'
import { bodyKey } from '../../command.ts'
import { invalid, Problem } from '../../errors.ts'
import { boundedText, timeOut } from '../../schemas.ts'
import { accountKey, change, write } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { REQUEST_KEY, REQUEST_KEY_LENGTH_MAX, requestKey } from '../request-key.ts'
import { wantedSlug } from './catalog.ts'
import { viewerOf } from './reviewers.ts'
import { wantedChannel } from './views.ts'

const ID_LENGTH_MAX = 64
const REASON_LENGTH_MAX = 1_000

const session = z
  .object({
    ...{ sessionId: z.string(), slug: z.string(), channel, releaseId: z.string() },
    status: z.enum(['created', 'launched', 'ended', 'failed_bootstrap']),
    launchUrl: z.string(),
    ...{ startBy: timeOut, expiresAt: timeOut },
  })
  .openapi('ArcadeLaunchSession')
const answer = z.object({ ok: z.literal(true), session }).openapi('ArcadeLaunchSessionResponse')

async function sessionView(arcade: Arcade, { facts, status }: Exclude<ArcadeLaunchState, { status: 'absent' }>) {
  const { sessionId, slug, channel: on, releaseId, startBy, expiresAt } = facts
  const launchUrl = await launchUrlOf(arcade, facts)
  return {
    ok: true as const,
    session: { sessionId, slug, channel: on, releaseId, status, launchUrl, startBy, expiresAt },
  }
}

export const createLaunchSession = write({
  path: '/api/v1/arcade/launch-sessions',
  id: 'createLaunchSession',
  tags: ['arcade'],
  summary: 'Create a signed arcade launch session for one channel-assigned release',
  description:
    'The address is good for this release and session. It is to be opened within ten minutes, and lasts twelve hours.',
  access: accountKey,
  key: bodyKey('idempotencyKey'),
  body: z.object({
    slug: wantedSlug,
    idempotencyKey: boundedText(REQUEST_KEY_LENGTH_MAX),
    channel: wantedChannel,
  }),
  answers: { 201: json(answer, 'The session, with its address.') },
  refuses: ['game_not_found', 'conflicting_inputs'],
  async handle({ arcade, bus, db, principal: { accountId }, body, caller, command }) {
    const header = caller.header(REQUEST_KEY)
    if (header !== undefined && header !== body.idempotencyKey) {
      throw new Problem<KillatamataCode>('conflicting_inputs', 'The header and the body have different keys.')
    }
    const wanted = { slug: body.slug, channel: body.channel }
    const find = async () => {
      const found = await findOnChannel(db, wanted, await viewerOf(bus, accountId))
      if (!found) throw gameNotFound()
      const { release_id: releaseId, game_id: gameId, entrypoint, threads } = found.release
      return { accountId, ...wanted, gameId, releaseId, entrypoint, threads }
    }
    const handled = await createLaunch(arcade, find, command)
    const { state } = handled
    if (state.status === 'absent') throw new Error('a session was neither made nor refused')
    return { status: 201, body: await sessionView(arcade, { ...state, status: 'created' }), handled }
  },
})

const event = z.enum(['launched', 'heartbeat', 'end', 'failed_bootstrap'])

export const updateLaunchSession = change({
  method: 'patch',
  path: '/api/v1/arcade/launch-sessions',
  id: 'updateLaunchSession',
  tags: ['arcade'],
  summary: 'Update arcade launch-session telemetry state',
  description: 'What is told again changes nothing. A session of which nothing is heard for five minutes has ended.',
  access: accountKey,
  key: requestKey,
  body: z.object({
    sessionId: boundedText(ID_LENGTH_MAX),
    event,
    failureReason: boundedText(REASON_LENGTH_MAX).optional(),
  }),
  answers: { 200: json(answer, 'The session as it is now.') },
  refuses: ['launch_session_not_found', 'launch_session_state_conflict'],
  isIdempotent: true,
  async handle({ arcade, bus, principal: { accountId }, body, command }) {
    const { sessionId, event: kind, failureReason } = body
    if (!isPrefixedId('als', sessionId)) throw launchNotFound()
    const of = { accountId, at: command.at }
    if (kind === 'failed_bootstrap' && (failureReason === undefined || failureReason.trim() === '')) {
      throw invalid('/failureReason', 'required', 'Say why it failed.')
    }
    const order =
      kind === 'failed_bootstrap' ? { ...of, kind, failureReason: failureReason ?? '' } : ({ ...of, kind } as const)
    const handled = await bus.handle(arcadeLaunch, sessionId, order, command)
    if (handled.state.status === 'absent') throw launchNotFound()
    return { status: 200, body: await sessionView(arcade, handled.state), handled }
  },
})
