/** Facts of a provider's API key. Stream `rungate.providerKey-<id>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { author, time, uuid } from './vocabulary.ts'

const ofKey = { accountId: uuid, keyId: uuid, occurredAt: time, author }
const secret = {
  secretId: uuid,
  /** Under the key's own key in the vault, with which the secret is destroyed. */
  sealed: z.string(),
  /** Its first and last characters, by which people tell secrets apart. */
  masked: z.string(),
}

export const providerKeyEvents = {
  'rungate.ProviderKeyAdded.v1': z.object({
    ...ofKey,
    ...secret,
    provider: z.string(),
    name: z.string(),
    /** Null: the provider's usual one. */
    baseUrl: z.string().nullable(),
  }),
  'rungate.ProviderKeyChanged.v1': z.object({ ...ofKey, name: z.string(), baseUrl: z.string().nullable() }),
  'rungate.ProviderKeyRotated.v1': z.object({ ...ofKey, ...secret }),
  'rungate.ProviderKeyDisabled.v1': z.object(ofKey),
  'rungate.ProviderKeyEnabled.v1': z.object(ofKey),
  /** The secret is destroyed; agents that named the key name `remapTo` from now on. */
  'rungate.ProviderKeyDeleted.v1': z.object({ ...ofKey, remapTo: uuid.nullable() }),
}
export type ProviderKeyEvent = EventOf<typeof providerKeyEvents>
export type ProviderKeyFacts = Extract<ProviderKeyEvent, { type: 'rungate.ProviderKeyAdded.v1' }>['data']
