/** What an arcade's deciders let happen, in which order. */
import { describe, expect, it } from 'vitest'
import { type Decider, fold } from '../../../src/commands/decider.ts'
import {
  type ArcadeGameCommand,
  arcadeGame,
  arcadeSlug,
  type GameFacts,
  type ReleaseFacts,
} from '../../../src/commands/killatamata/arcade-game.ts'
import {
  type ArcadeLaunchCommand,
  arcadeLaunch,
  type LaunchFacts,
} from '../../../src/commands/killatamata/arcade-launch.ts'
import {
  type ArcadeReleaseCommand,
  arcadeRelease,
  type Review,
} from '../../../src/commands/killatamata/arcade-release.ts'
import { Rejected } from '../../../src/commands/rejection.ts'
import type { AnyEvent } from '../../../src/events/event.ts'
import { accountId, at, otherAccountId, registry } from './story.ts'

/** What each command leads to: the last part of the events' names, or the code of the refusal. */
const storyOf =
  <S, C, E extends AnyEvent>(decider: Decider<S, C, E>) =>
  (...commands: readonly C[]): string[] => {
    const events: E[] = []
    return commands.map((command) => {
      try {
        const more = decider.decide(command, fold(decider, events))
        for (const { type, data } of more) expect(registry.decode(type, data)).toStrictEqual({ type, data })
        events.push(...more)
        return more.map(({ type }) => type.split('.')[1]).join() || 'nothing'
      } catch (error) {
        if (!(error instanceof Rejected)) throw error
        return error.code
      }
    })
  }

const gameFacts: GameFacts = {
  ...{ accountId, gameId: 'game_1', slug: 'drift', title: 'Drift', shortDescription: 'Drift.', description: 'A game.' },
  ...{ tags: [], occurredAt: at(0) },
}
const releaseFacts: ReleaseFacts = {
  ...{ accountId, gameId: 'game_1', releaseId: 'rel_1', version: '1.0.0', engine: 'godot', engineVersion: '4.4' },
  ...{ entrypoint: 'index.html', threads: false, sizeBytes: 1, sha256: 'a'.repeat(64), unpackedBytes: 1, fileCount: 4 },
  ...{ coverSha256: null, checks: [], occurredAt: at(1) },
}

describe('a game', () => {
  it('has a slug that nobody else claims', () => {
    const claim = (gameId = 'game_1') => ({ kind: 'claim', facts: { ...gameFacts, gameId } }) as const
    expect(storyOf(arcadeSlug)(claim(), claim(), claim('game_2'))).toStrictEqual([
      ...['SlugClaimed', 'nothing', 'slug_taken'],
    ])
  })

  it('takes each version once, from its creator alone', () => {
    const create: ArcadeGameCommand = { kind: 'create', facts: gameFacts }
    const add = (facts: Partial<ReleaseFacts> = {}): ArcadeGameCommand => ({
      kind: 'add',
      facts: { ...releaseFacts, ...facts },
    })
    expect(
      storyOf(arcadeGame)(add(), create, create, add(), add(), add({ releaseId: 'rel_2' }), add({ version: '1.0.1' })),
    ).toStrictEqual([
      ...['game_not_found', 'GameCreated', 'nothing', 'ReleaseAdded', 'nothing', 'version_exists', 'ReleaseAdded'],
    ])
    expect(storyOf(arcadeGame)(create, add({ accountId: otherAccountId })).at(-1)).toBe('game_not_found')
  })
})

describe('a release', () => {
  const upload: ArcadeReleaseCommand = { kind: 'upload', facts: releaseFacts }
  const submit = (by = accountId): ArcadeReleaseCommand => ({ kind: 'submit', accountId: by, at: at(2) })
  const review = (given: Partial<Review> & Pick<Review, 'action'>, by = otherAccountId): ArcadeReleaseCommand => ({
    ...{ kind: 'review', reviewerId: by, at: at(3) },
    review: { notes: null, channel: 'live', visibility: 'public', ...given } as Review,
  })
  const story = storyOf(arcadeRelease)

  it('goes from a draft to a channel', () => {
    const steps = [review({ action: 'send_to_review' }), review({ action: 'approve' }), review({ action: 'publish' })]
    expect(story(submit(), upload, upload, submit(otherAccountId), submit(), submit(), ...steps)).toStrictEqual([
      ...['release_not_found', 'ReleaseUploaded', 'nothing', 'release_not_found', 'ReleaseSubmitted'],
      ...['release_state_conflict', 'ReleaseReviewStarted', 'ReleaseApproved', 'ReleasePublished'],
    ])
  })

  it('takes no step from where it does not stand', () => {
    const actions = ['send_to_review', 'approve', 'reject', 'publish'] as const
    const from = (...before: ArcadeReleaseCommand[]) =>
      actions.filter((action) => story(upload, ...before, review({ action })).at(-1) !== 'release_state_conflict')
    expect(from()).toStrictEqual([])
    expect(from(submit())).toStrictEqual(['send_to_review', 'approve', 'reject'])
    expect(from(submit(), review({ action: 'send_to_review' }))).toStrictEqual(['approve', 'reject'])
    expect(from(submit(), review({ action: 'approve' }))).toStrictEqual(['publish'])
    expect(from(submit(), review({ action: 'reject' }))).toStrictEqual([])
    expect(from(submit(), review({ action: 'approve' }), review({ action: 'publish' }))).toStrictEqual(['publish'])
  })

  it('is not reviewed by its creator', () => {
    expect(story(upload, submit(), review({ action: 'approve' }, accountId)).at(-1)).toBe('own_release')
  })
})

describe('a launch', () => {
  const facts: LaunchFacts = {
    ...{ accountId, sessionId: 'als_1', slug: 'drift', channel: 'live', gameId: 'game_1', releaseId: 'rel_1' },
    ...{ entrypoint: 'index.html', threads: false, startBy: at(600), expiresAt: at(43_200), occurredAt: at(0) },
  }
  const create: ArcadeLaunchCommand = { kind: 'create', facts }
  const tell = (kind: 'launched' | 'heartbeat' | 'end', seconds: number, by = accountId): ArcadeLaunchCommand => ({
    ...{ kind, accountId: by, at: at(seconds) },
  })
  const fail = (seconds: number): ArcadeLaunchCommand => ({
    ...{ kind: 'failed_bootstrap', accountId, failureReason: 'no WebGL', at: at(seconds) },
  })
  const expire = (seconds: number): ArcadeLaunchCommand => ({ kind: 'expire', silentMs: 300_000, at: at(seconds) })
  const story = storyOf(arcadeLaunch)

  it('begins in time, is alive, and ends once', () => {
    const steps = [tell('heartbeat', 1), tell('launched', 2), tell('launched', 3), tell('end', 9), tell('end', 10)]
    expect(story(create, create, ...steps, tell('heartbeat', 11), fail(12))).toStrictEqual([
      ...['LaunchCreated', 'nothing', 'launch_session_state_conflict', 'LaunchStarted', 'nothing', 'LaunchEnded'],
      ...['nothing', 'launch_session_state_conflict', 'launch_session_state_conflict'],
    ])
    expect(story(create, tell('launched', 600)).at(-1)).toBe('launch_session_state_conflict')
    expect(story(create, tell('launched', 2, otherAccountId)).at(-1)).toBe('launch_session_not_found')
    expect(story(create, fail(2), fail(3), tell('launched', 4)).slice(1)).toStrictEqual([
      ...['LaunchFailed', 'nothing', 'launch_session_state_conflict'],
    ])
  })

  it('keeps the first sign of life, and one in a minute', () => {
    const beats = [3, 4, 62, 63, 64, 123].map((seconds) => tell('heartbeat', seconds))
    expect(story(create, tell('launched', 2), ...beats).slice(2)).toStrictEqual([
      ...['LaunchHeartbeat', 'nothing', 'nothing', 'LaunchHeartbeat', 'nothing', 'LaunchHeartbeat'],
    ])
  })

  it('ends by itself where it does not begin, falls silent, or its time is over', () => {
    expect(story(create, expire(599), expire(600), expire(601)).slice(1)).toStrictEqual([
      'nothing',
      'LaunchEnded',
      'nothing',
    ])
    const begun = [create, tell('launched', 2), tell('heartbeat', 100)]
    expect(story(...begun, expire(399), expire(400)).slice(3)).toStrictEqual(['nothing', 'LaunchEnded'])
    expect(story(...begun, expire(43_200)).at(-1)).toBe('LaunchEnded')
    expect(story(expire(1))).toStrictEqual(['launch_session_not_found'])
  })
})
