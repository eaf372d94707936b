/** Examples of events of the arcade: a game, a release that goes on a channel, one that does not, and launches. */
import type {
  ArcadeGameEvent,
  ArcadeLaunchEvent,
  ArcadeReleaseEvent,
  ArcadeSlugEvent,
} from '../../../src/events/killatamata/arcade.ts'

export type ArcadeStoryEvent = ArcadeGameEvent | ArcadeLaunchEvent | ArcadeReleaseEvent | ArcadeSlugEvent

type Examples = { readonly [T in ArcadeStoryEvent['type']]: Extract<ArcadeStoryEvent, { type: T }>['data'] }

const tail = (n: number) => `01KJPV4G8RZ${String(n).padStart(15, '0')}`
const ADA = `acct_${tail(1)}`
const REVIEWER = `acct_${tail(3)}`
const GAME = `game_${tail(40)}`
const RELEASE = `rel_${tail(41)}`
const SESSION = `als_${tail(42)}`

/** `timeAt` is that of examples.ts. */
export function arcadeExamples(timeAt: (seconds: number) => string): Examples {
  const ofAda = (seconds: number) => ({ accountId: ADA, occurredAt: timeAt(seconds) })
  const game = {
    ...{ gameId: GAME, slug: 'star-drift', title: 'Star Drift', shortDescription: 'Drift between stars.' },
    ...{ description: 'A game about drifting.', tags: ['space'] },
  }
  const release = {
    ...{ gameId: GAME, releaseId: RELEASE, version: '1.0.0', engine: 'godot' as const, engineVersion: '4.4' },
    ...{ entrypoint: 'index.html', threads: false, sizeBytes: 2_048, sha256: 'a'.repeat(64), unpackedBytes: 4_096 },
    ...{ fileCount: 4, coverSha256: 'b'.repeat(64), checks: ['manifest', 'archive'] },
  }
  const ofRelease = (seconds: number) => ({ ...ofAda(seconds), releaseId: RELEASE, gameId: GAME })
  const reviewed = (seconds: number, notes: string | null = null) => ({
    ...ofRelease(seconds),
    ...{ reviewerId: REVIEWER, notes },
  })
  const ofLaunch = (seconds: number) => ({ ...ofAda(seconds), sessionId: SESSION })
  return {
    'killatamata.SlugClaimed.v1': { ...ofAda(110), ...game },
    'killatamata.GameCreated.v1': { ...ofAda(110), ...game },
    'killatamata.ReleaseAdded.v1': { ...ofAda(111), ...release },
    'killatamata.ReleaseUploaded.v1': { ...ofAda(111), ...release },
    'killatamata.ReleaseSubmitted.v1': ofRelease(112),
    'killatamata.ReleaseReviewStarted.v1': reviewed(113),
    'killatamata.ReleaseRejected.v1': reviewed(114, 'It does not start.'),
    'killatamata.ReleaseApproved.v1': reviewed(115),
    'killatamata.ReleasePublished.v1': { ...reviewed(116), channel: 'live', visibility: 'public' },
    'killatamata.LaunchCreated.v1': {
      ...{ ...ofLaunch(117), slug: 'star-drift', channel: 'live', gameId: GAME, releaseId: RELEASE },
      ...{ entrypoint: 'index.html', threads: false, startBy: timeAt(717), expiresAt: timeAt(43_317) },
    },
    'killatamata.LaunchStarted.v1': { ...ofLaunch(118), expiresAt: timeAt(43_317) },
    'killatamata.LaunchHeartbeat.v1': ofLaunch(119),
    'killatamata.LaunchFailed.v1': { ...ofLaunch(120), failureReason: 'no WebGL' },
    'killatamata.LaunchEnded.v1': { ...ofLaunch(121), reason: 'player' },
  }
}

/** The stream that one of these events belongs in; undefined: it is none of them. */
export function arcadeStreamOf(name: string, data: Record<string, unknown>): string | undefined {
  if (name === 'SlugClaimed') return `killatamata.arcadeSlug-${data.slug}`
  if (name === 'GameCreated' || name === 'ReleaseAdded') return `killatamata.arcadeGame-${data.gameId}`
  if (name.startsWith('Release')) return `killatamata.arcadeRelease-${data.releaseId}`
  return name.startsWith('Launch') ? `killatamata.arcadeLaunch-${data.sessionId}` : undefined
}
