/**
 * Facts of one account: who it is, and its API keys, which stand here so that their number is decided in one place. Stream
 * `killatamata.account-<account id>`. A proof of a person belongs to one account (`killatamata.identity-<id>`), and a key's days of
 * use are in a stream of its own (`killatamata.apiKey-<key id>`). Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import { accountId, identityKind, keyFacts, keySource, time, uuid } from './vocabulary.ts'

const ofAccount = { accountId, occurredAt: time }
const ofKey = { ...ofAccount, keyId: z.string() }

export const accountEvents = {
  'killatamata.AccountOpened.v1': z.object({ ...ofAccount, email: personal(z.string()) }),
  /** A further proof of the same person. */
  'killatamata.IdentityLinked.v1': z.object({ ...ofAccount, identityId: uuid, kind: identityKind }),
  'killatamata.AdminGranted.v1': z.object(ofAccount),
  'killatamata.AdminRevoked.v1': z.object(ofAccount),
  'killatamata.ApiKeyIssued.v1': z.object({ ...ofAccount, ...keyFacts.shape, source: keySource }),
  'killatamata.ApiKeyRevoked.v1': z.object(ofKey),
  /** Nobody has used it for long. */
  'killatamata.ApiKeyExpired.v1': z.object(ofKey),
  /** The key of the person was destroyed: nobody can read what is personal any more. Money stays. */
  'killatamata.AccountForgotten.v1': z.object({
    ...ofAccount,
    /** Of the request to forget; nothing personal. */
    reference: z.string().nullable(),
  }),
}
export type AccountEvent = EventOf<typeof accountEvents>

export const identityEvents = {
  /** A later one takes the place of an account that is forgotten. */
  'killatamata.IdentityClaimed.v1': z.object({ ...ofAccount, identityId: uuid, kind: identityKind }),
}
export type IdentityEvent = EventOf<typeof identityEvents>

export const apiKeyEvents = {
  /** Once for each key and UTC day. */
  'killatamata.ApiKeyUsed.v1': z.object({ ...ofKey, day: z.iso.date() }),
}
export type ApiKeyEvent = EventOf<typeof apiKeyEvents>
