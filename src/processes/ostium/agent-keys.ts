/**
 * The private keys of agents: sealed as soon as they are made, each under a key of its own in the vault, and opened only to sign.
 * To destroy that key is to delete the agent's wallet in every copy of the log.
 */
import type { Hex } from '../../adapters/chain/node.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { KeyRing } from '../../vault/key-ring.ts'
import { createObjectKeys, type ObjectKeys } from '../../vault/object-keys.ts'
import { openSecret, SecretUnreadable, sealSecret } from '../../webhooks/secret.ts'

/** Kind of the agents' keys in the vault. */
const KIND = 'ostium.agent'
/** One that another process destroys is noticed within this time. */
const CACHE = { cachedMax: 1_000, ttlMs: 1_000 }

export const agentKeysOf = (db: ReadModels, ring: KeyRing): ObjectKeys => createObjectKeys(db, ring, CACHE)

const nameOf = (agentId: string) => ({ endpointId: agentId, secretId: agentId })

/** As the event holds it. */
export const sealPrivateKey = async (keys: ObjectKeys, agentId: string, privateKey: Hex): Promise<string> =>
  sealSecret(privateKey, nameOf(agentId), await keys.ensure(KIND, agentId))

/** Rejects with SecretUnreadable where the key was destroyed. */
export async function openPrivateKey(keys: ObjectKeys, agentId: string, sealed: string): Promise<Hex> {
  const key = await keys.find(KIND, agentId)
  if (key instanceof Uint8Array) return openSecret(sealed, nameOf(agentId), [key]) as Hex
  throw new SecretUnreadable(`the key of the agent ${agentId} is ${key}`)
}

/** For ever, and harmless where it is gone. */
export const destroyPrivateKey = (keys: ObjectKeys, agentId: string): Promise<boolean> => keys.destroy(KIND, agentId)

/** What tells the accounts of a trader's agents apart. */
export const saltOf = (agentId: string): Hex => `0x${agentId.replaceAll('-', '').padStart(64, '0')}`
