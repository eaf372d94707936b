/**
 * Facts of the arcade: a game (stream `killatamata.arcadeGame-<game id>`), the slug that is its own (`killatamata.arcadeSlug-<slug>`),
 * a release of it (`killatamata.arcadeRelease-<release id>`) and a launch of one (`killatamata.arcadeLaunch-<session id>`). The slug and
 * the game decide first: their events say all that the second stream begins with. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { accountId, sha256, time } from './vocabulary.ts'

/** Whose the game is. */
const ofCreator = { accountId, occurredAt: time }

const gameFacts = {
  gameId: z.string(),
  slug: z.string(),
  title: z.string(),
  shortDescription: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
}

export const arcadeSlugEvents = {
  'killatamata.SlugClaimed.v1': z.object({ ...ofCreator, ...gameFacts }),
}
export type ArcadeSlugEvent = EventOf<typeof arcadeSlugEvents>

const releaseFacts = {
  gameId: z.string(),
  releaseId: z.string(),
  /** Semantic; one release of a game has it. */
  version: z.string(),
  engine: z.literal('godot'),
  engineVersion: z.string(),
  /** The page of the bundle that is opened. */
  entrypoint: z.string(),
  /** Its page needs to be isolated from other origins. */
  threads: z.boolean(),
  /** Of the archive as it was sent. */
  sizeBytes: z.int().nonnegative(),
  sha256,
  unpackedBytes: z.int().nonnegative(),
  fileCount: z.int().nonnegative(),
  /** Of the cover as it is kept; null: it has none. */
  coverSha256: sha256.nullable(),
  /** What the bundle was checked for. */
  checks: z.array(z.string()),
}

export const arcadeGameEvents = {
  'killatamata.GameCreated.v1': z.object({ ...ofCreator, ...gameFacts }),
  /** The version is taken; its files are stored. */
  'killatamata.ReleaseAdded.v1': z.object({ ...ofCreator, ...releaseFacts }),
}
export type ArcadeGameEvent = EventOf<typeof arcadeGameEvents>

export const channel = z.enum(['dev', 'live'])
export type Channel = z.infer<typeof channel>
export const visibility = z.enum(['hidden', 'owner_only', 'public'])
export type Visibility = z.infer<typeof visibility>

const ofRelease = { ...ofCreator, releaseId: z.string(), gameId: z.string() }
/** By the account of a reviewer, who sees other accounts' releases alone. */
const reviewed = { ...ofRelease, reviewerId: accountId, notes: z.string().nullable() }

export const arcadeReleaseEvents = {
  'killatamata.ReleaseUploaded.v1': z.object({ ...ofCreator, ...releaseFacts }),
  'killatamata.ReleaseSubmitted.v1': z.object(ofRelease),
  'killatamata.ReleaseReviewStarted.v1': z.object(reviewed),
  'killatamata.ReleaseApproved.v1': z.object(reviewed),
  'killatamata.ReleaseRejected.v1': z.object(reviewed),
  /** From now on it is what the channel has. */
  'killatamata.ReleasePublished.v1': z.object({ ...reviewed, channel, visibility }),
}
export type ArcadeReleaseEvent = EventOf<typeof arcadeReleaseEvents>

/** The account that plays. */
const ofLaunch = { accountId, sessionId: z.string(), occurredAt: time }

export const launchEnd = z.enum(['player', 'silent', 'never_started', 'expired'])

export const arcadeLaunchEvents = {
  'killatamata.LaunchCreated.v1': z.object({
    ...ofLaunch,
    slug: z.string(),
    channel,
    gameId: z.string(),
    releaseId: z.string(),
    entrypoint: z.string(),
    threads: z.boolean(),
    /** Where it has not begun by then, it has ended. */
    startBy: time,
    expiresAt: time,
  }),
  'killatamata.LaunchStarted.v1': z.object({ ...ofLaunch, expiresAt: time }),
  /** The first sign of life, and one in a minute. */
  'killatamata.LaunchHeartbeat.v1': z.object(ofLaunch),
  'killatamata.LaunchEnded.v1': z.object({ ...ofLaunch, reason: launchEnd }),
  'killatamata.LaunchFailed.v1': z.object({ ...ofLaunch, failureReason: z.string() }),
}
export type ArcadeLaunchEvent = EventOf<typeof arcadeLaunchEvents>
