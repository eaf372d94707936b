/**
 * Facts of signing in: codes by mail (`killatamata.emailChallenge-<identity id>`), tokens of Google (`killatamata.idToken-<id>`),
 * browsers' sessions (`killatamata.browserSession-<id>`) and linked devices (`killatamata.deviceLink-<id>`). No code and no secret
 * stands in them: what is kept of each is a hash. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import { accountId, identityKind, keyFacts, sha256, time, uuid } from './vocabulary.ts'

/** The account: the one that the address has, or will have once somebody proves that it is his. */
const ofChallenge = { identityId: uuid, accountId, codeId: uuid, occurredAt: time }

export const emailChallengeEvents = {
  /** Takes the place of an older code. */
  'killatamata.CodeRequested.v1': z.object({
    ...ofChallenge,
    email: personal(z.string()),
    /** Under a key of the installation: six digits are soon guessed. */
    codeHash: sha256,
    expiresAt: time,
  }),
  'killatamata.CodeRefused.v1': z.object(ofChallenge),
  'killatamata.CodeRedeemed.v1': z.object(ofChallenge),
}
export type EmailChallengeEvent = EventOf<typeof emailChallengeEvents>

export const idTokenEvents = {
  /** A token makes one key and opens one session at most: each use is claimed. */
  'killatamata.IdTokenExchanged.v1': z.object({
    accountId,
    tokenHash: sha256,
    use: z.enum(['key', 'session']),
    /** After it nobody takes the token any more. */
    expiresAt: time,
    occurredAt: time,
  }),
}
export type IdTokenEvent = EventOf<typeof idTokenEvents>

const ofSession = { sessionId: uuid, accountId, occurredAt: time }

export const browserSessionEvents = {
  'killatamata.SessionOpened.v1': z.object({
    ...ofSession,
    /** Of the cookie. */
    cookieHash: sha256,
    by: identityKind,
    expiresAt: time,
  }),
  'killatamata.SessionEnded.v1': z.object({ ...ofSession, reason: z.enum(['logout', 'expired']) }),
}
export type BrowserSessionEvent = EventOf<typeof browserSessionEvents>

/** The stream is named by the user code, so that no two links under way have the same. */
const ofLink = { linkId: uuid, occurredAt: time }

export const deviceLinkEvents = {
  'killatamata.LinkStarted.v1': z.object({
    ...ofLink,
    /** Without its hyphen. */
    userCode: z.string(),
    deviceCodeHash: sha256,
    keyLabel: z.string().nullable(),
    intervalS: z.int().positive(),
    expiresAt: time,
  }),
  'killatamata.LinkApproved.v1': z.object({ ...ofLink, accountId, keyLabel: z.string().nullable() }),
  /** In time, and not decided yet: the interval counts from here. */
  'killatamata.LinkPolled.v1': z.object(ofLink),
  /** Too early: from now on the interval is longer. */
  'killatamata.LinkPolledTooEarly.v1': z.object({ ...ofLink, intervalS: z.int().positive() }),
  /** The key that the device was given is issued from this event. */
  'killatamata.LinkConsumed.v1': z.object({ ...ofLink, accountId, key: keyFacts }),
  'killatamata.LinkExpired.v1': z.object(ofLink),
}
export type DeviceLinkEvent = EventOf<typeof deviceLinkEvents>
