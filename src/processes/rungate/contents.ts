/**
 * What calls said, sealed under keys in the vault: requests that wait for an approval, each under the approval's own key, and the
 * contents of steps under one key for each account and day. To destroy the key is to destroy the text in every copy of the log.
 */
import type { ObjectKeys } from '../../vault/object-keys.ts'
import { openSecret, sealSecret } from '../../webhooks/secret.ts'

/** What the keys are called in the vault. */
export const APPROVAL_KEYS = 'rungate.approval'
export const CONTENT_KEYS = 'rungate.content'

/** The id of the key of an account's contents of a day: `2026-11-29`, in UTC. */
export const contentKeyId = (accountId: string, day: string): string => `${accountId}/${day}`

/** What a sealed text is bound to: an approval's or a step's id, and which of its texts it is. */
export interface ContentName {
  id: string
  part: 'request' | 'response'
}

const nameOf = ({ id, part }: ContentName) => ({ endpointId: id, secretId: part })

export const sealContent = (text: string, name: ContentName, key: Uint8Array): string =>
  sealSecret(text, nameOf(name), key)

/** The text; null where its key was destroyed. Rejects where it does not open with its key. */
export async function openContent(
  keys: Pick<ObjectKeys, 'find'>,
  { kind, keyId }: { kind: string; keyId: string },
  sealed: string,
  name: ContentName,
): Promise<string | null> {
  const key = await keys.find(kind, keyId)
  return key instanceof Uint8Array ? openSecret(sealed, nameOf(name), [key]) : null
}
