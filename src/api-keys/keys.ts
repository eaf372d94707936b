/**
 * The keys of one tenant, from the events of its stream, and what may be done with them. A key has at most one working
 * successor: rotating it again, as a caller does who lost the answer, ends the one before. Each key keeps which one it
 * replaces, so that revoking a leaked key also revokes the keys made from it.
 */
import type { KernelRejectionCode, RejectedBy } from '../commands/rejection.ts'

/** The codes that a context's error table needs for its keys. */
export type KeyRejectionCode = 'api_key_not_found' | 'api_key_limit_reached'
type Rejected = RejectedBy<KeyRejectionCode | Extract<KernelRejectionCode, 'idempotency_key_reused'>>

export interface KeyState<Scope extends string = string> {
  hash: string
  label: string | null
  scopes: readonly Scope[]
  revoked: boolean
  /** Set once the key has been replaced: it works until then. */
  validUntil: string | null
  /** The key that it was made from; null: from none. */
  replaces: string | null
}

/**
 * By id; revoked and replaced keys stay, so that an id is never used twice. All states of a stream share one map, since a
 * copy for each event costs more with every key. Changes only add to it and may be made twice. An older state sees later
 * keys; the expected revision catches it.
 */
export type Keys<Scope extends string = string> = Map<string, KeyState<Scope>>

/** A change of keys, for the context to write as an event of its own. */
export type KeyChange =
  | { kind: 'revoked'; keyId: string; reason: string | null }
  | { kind: 'issued'; keyId: string; keyHash: string; replaces: string }
  | { kind: 'rotated'; keyId: string; replacedBy: string; validUntil: string }

const SUPERSEDED = 'replaced by a repeated rotation'

/** Takes in that a key was issued. Harmless where it is known. */
export function noteIssued<Scope extends string>(
  keys: Keys<Scope>,
  {
    keyId,
    keyHash: hash,
    label,
    scopes,
    replaces = null,
  }: {
    keyId: string
    keyHash: string
    label: string | null
    scopes: readonly Scope[]
    replaces?: string | null | undefined
  },
): void {
  if (!keys.has(keyId)) keys.set(keyId, { hash, label, scopes, revoked: false, validUntil: null, replaces })
}

export function noteRevoked(keys: Keys, keyId: string): void {
  const key = keys.get(keyId)
  if (key) keys.set(keyId, { ...key, revoked: true })
}

/** Also tells whom the successor replaces, where its own event is from before that was recorded there. */
export function noteRotated(keys: Keys, keyId: string, replacedBy: string, validUntil: string): void {
  const [key, successor] = [keys.get(keyId), keys.get(replacedBy)]
  if (key) keys.set(keyId, { ...key, validUntil })
  if (successor) keys.set(replacedBy, { ...successor, replaces: keyId })
}

/** Whether the key works at a time. */
export const isLiving = ({ revoked, validUntil }: KeyState, at: string): boolean =>
  !revoked && (validUntil === null || Date.parse(validUntil) > Date.parse(at))

/** Rejects with api_key_limit_reached where as many keys work as may, and with idempotency_key_reused for a used id. */
export function mayIssue(
  Rejected: Rejected,
  keys: Keys,
  keyId: string,
  { keysMax, at }: { keysMax: number; at: string },
): void {
  if (keys.has(keyId)) throw new Rejected('idempotency_key_reused', 'The key id stands for another key.')
  const living = keys.values().reduce((count, key) => count + (isLiving(key, at) ? 1 : 0), 0)
  if (living < keysMax) return
  throw new Rejected('api_key_limit_reached', `${keysMax} keys work already; revoke one first, or wait for one to end.`)
}

/** The keys that were made from this one, and from those, the nearest first. It looks at each key once, however long the line. */
function descendantsOf(keys: Keys, keyId: string): string[] {
  // Nothing was made from a key that was never replaced.
  if (keys.get(keyId)?.validUntil === null) return []
  const made = Map.groupBy(keys, ([, { replaces }]) => replaces)
  const found = new Set([keyId])
  for (const ancestor of found) for (const [id] of made.get(ancestor) ?? []) found.add(id)
  return [...found].slice(1)
}

/**
 * Revokes the key and, unless they are spared, whatever was made from it: nobody knows who rotated a key that leaked.
 * Rejects with api_key_not_found.
 */
export function revoke(
  Rejected: Rejected,
  keys: Keys,
  {
    keyId,
    reason,
    sparesDescendants = false,
  }: {
    keyId: string
    reason: string | null
    sparesDescendants?: boolean | undefined
  },
): KeyChange[] {
  if (!keys.has(keyId)) throw new Rejected('api_key_not_found', `There is no key ${keyId}.`)
  const meant = sparesDescendants ? [keyId] : [keyId, ...descendantsOf(keys, keyId)]
  return meant.filter((id) => !keys.get(id)?.revoked).map((id) => ({ kind: 'revoked', keyId: id, reason }))
}

/**
 * Puts another key in the place of this one, which works on until `validUntil`. A key that is replaced once more ends
 * when it was going to: rotating does not keep it alive; and what was made from it before ends now. Rejects with
 * api_key_not_found, and as mayIssue does.
 */
export function rotate(
  Rejected: Rejected,
  keys: Keys,
  {
    keyId,
    replacement,
    validUntil,
    keysMax,
    at,
  }: {
    keyId: string
    replacement: { keyId: string; keyHash: string }
    validUntil: string
    keysMax: number
    at: string
  },
): KeyChange[] {
  const key = keys.get(keyId)
  if (!key || !isLiving(key, at)) throw new Rejected('api_key_not_found', `There is no key ${keyId} that still works.`)
  const superseded = descendantsOf(keys, keyId).filter((id) => isLiving(keys.get(id)!, at))
  mayIssue(Rejected, keys, replacement.keyId, { keysMax: keysMax + superseded.length, at })
  return [
    ...superseded.map((id): KeyChange => ({ kind: 'revoked', keyId: id, reason: SUPERSEDED })),
    { kind: 'issued', ...replacement, replaces: keyId },
    { kind: 'rotated', keyId, replacedBy: replacement.keyId, validUntil: key.validUntil ?? validUntil },
  ]
}
