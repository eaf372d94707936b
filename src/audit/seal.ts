/** Seals of the log: made with an Ed25519 key (RFC 8032), checked against the log and against the key. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { HEARTBEAT } from '../events/registry.ts'
import { SEAL_STREAM, type Seal } from '../events/seal.ts'
import { createMerkleTree, leafOf, type MerkleState, type MerkleTree } from './merkle.ts'
import type { RawEvent, RawLog } from './raw-log.ts'
import { decodedOf } from './verifier.ts'

/** Heartbeats come and go; everything else is there for good. */
export const isSealed = (event: Pick<RawEvent, 'type'>): boolean => event.type !== HEARTBEAT

const statement = ({ position, events, root }: Pick<Seal, 'position' | 'events' | 'root'>): Buffer =>
  Buffer.from(`${position}\n${events}\n${root}\n`)

export const publicKeyText = (key: KeyObject): string =>
  createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64')

/** The seal of a log whose events up to a position have this root. `privateKey`: PKCS #8 in PEM. */
export function makeSeal(
  facts: { position: bigint; events: bigint; root: string },
  privateKey: string,
  occurredAt: string,
): Seal {
  const key = createPrivateKey(privateKey)
  const stated = { position: `${facts.position}`, events: `${facts.events}`, root: facts.root }
  const signature = sign(null, statement(stated), key).toString('base64')
  return { ...stated, publicKey: publicKeyText(key), signature, occurredAt }
}

const SEALED = 'opslog.LogSealed.v1'

/** The seals that the log itself holds. The verifier reports one that does not decode. */
export async function readSeals(log: RawLog): Promise<Seal[]> {
  const seals: Seal[] = []
  for await (const event of log.readStream(SEAL_STREAM)) {
    const decoded = decodedOf(event, log.registry)
    if (typeof decoded !== 'string' && decoded.type === SEALED) seals.push(decoded.data as Seal)
  }
  return seals
}

export interface CheckedSeal {
  seal: Seal
  /** What is wrong with it, in a sentence; undefined where it holds. */
  fault: string | undefined
}

export interface SealChecker {
  /** Every event of the log, in order. */
  add(event: RawEvent): void
  /** Seals that could be judged so far. */
  checked(): CheckedSeal[]
  /** At the log's end: each seal with what was found. */
  finish(): CheckedSeal[]
  tree: MerkleTree
}

/**
 * Checks seals while the log passes by once. `pinned`: the keys of which one must have made them (as `publicKeyText`); the
 * key that a seal names proves nothing. `from`: the tree of the events before those that will pass by.
 */
export function createSealChecker(seals: readonly Seal[], pinned: readonly string[], from?: MerkleState): SealChecker {
  const tree = createMerkleTree(from)
  const waiting = [...seals].sort((a, b) => (BigInt(a.position) < BigInt(b.position) ? -1 : 1))
  const checked: CheckedSeal[] = []

  const close = (seal: Seal, isReached: boolean) => checked.push({ seal, fault: faultOf(seal, isReached) })

  function faultOf(seal: Seal, isReached: boolean): string | undefined {
    if (!pinned.includes(seal.publicKey)) return 'it was made with another key'
    if (!isGenuine(seal)) return 'its signature does not fit it'
    if (!isReached) return `the log ends before the position ${seal.position} that it seals: the tail was cut off`
    if (`${tree.count()}` !== seal.events) return `it seals ${seal.events} events, there are ${tree.count()}`
    return tree.root() === seal.root ? undefined : 'the events up to it are not the ones that were sealed'
  }

  return {
    tree,
    checked: () => checked,
    add(event) {
      while (waiting[0] && event.position > BigInt(waiting[0].position)) close(waiting.shift()!, true)
      if (!isSealed(event)) return
      tree.add(leafOf(event))
      // The sealed position is that of an event; once it has passed, the seal can be judged.
      while (waiting[0] && event.position === BigInt(waiting[0].position)) close(waiting.shift()!, true)
    },
    finish() {
      for (const seal of waiting.splice(0)) close(seal, false)
      return checked
    },
  }
}

/** Whether the key that it names has signed it. */
export function isGenuine(seal: Seal): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(seal.publicKey, 'base64'), format: 'der', type: 'spki' })
    return (
      key.asymmetricKeyType === 'ed25519' && verify(null, statement(seal), key, Buffer.from(seal.signature, 'base64'))
    )
  } catch {
    // A text that is not a key has signed nothing.
    return false
  }
}
