/**
 * Whether an append is accepted, repeated or refused. The rules are those that EventStoreDB documents and shows: an
 * append whose events are all stored at the places it asks for is a repetition and succeeds with the first outcome; one
 * that overlaps in part is refused as a wrong expected version.
 */

export type ExpectedRevision = 'any' | 'no_stream' | 'stream_exists' | bigint

/** What the rules need to know of a stream. `lastRevision` is -1 where no event was ever written. */
export type StreamFacts = {
  lastRevision: number
  tombstoned: boolean
  softDeleted: () => boolean
  hasMetadata: () => boolean
  /** The id of the event at a revision, where it is stored. */
  idAt: (revision: number) => Buffer | undefined
  /** The revision of an event id that is remembered for this stream. */
  revisionOf: (id: Buffer) => number | undefined
}

export type Decision =
  | { kind: 'append'; recreate: boolean }
  | { kind: 'repeated'; lastRevision: number }
  | { kind: 'wrong-expected-version' }
  | { kind: 'deleted' }

const WRONG: Decision = { kind: 'wrong-expected-version' }

/** Decides on an append of events with these ids, or on a delete where `ids` is undefined, at this expected revision. */
export function decideAppend(
  facts: StreamFacts,
  expected: ExpectedRevision,
  eventIds: readonly Buffer[] | undefined,
): Decision {
  const ids = eventIds ?? []
  if (facts.tombstoned) return { kind: 'deleted' }
  if (expected === 'any' || expected === 'stream_exists') return decideWithoutRevision(facts, expected, ids)
  const expectedRevision = expected === 'no_stream' ? -1 : Number(expected)
  if (expectedRevision > facts.lastRevision) return WRONG
  if (expectedRevision === facts.lastRevision) return { kind: 'append', recreate: facts.softDeleted() }
  for (const [index, id] of ids.entries()) {
    const revision = expectedRevision + 1 + index
    if (revision <= facts.lastRevision && facts.idAt(revision)?.equals(id)) continue
    if (index === 0 && expected === 'no_stream' && facts.softDeleted()) return { kind: 'append', recreate: true }
    return WRONG
  }
  if (ids.length === 0) {
    const isThere = eventIds !== undefined || expected !== 'no_stream' || !facts.softDeleted()
    return isThere ? WRONG : { kind: 'append', recreate: true }
  }
  return { kind: 'repeated', lastRevision: expectedRevision + ids.length }
}

function decideWithoutRevision(
  facts: StreamFacts,
  expected: 'any' | 'stream_exists',
  ids: readonly Buffer[],
): Decision {
  const softDeleted = facts.softDeleted()
  if (expected === 'stream_exists') {
    if (softDeleted) return { kind: 'deleted' }
    if (facts.lastRevision < 0 && !facts.hasMetadata()) return WRONG
  }
  let lastRevision = -1
  for (const [index, id] of ids.entries()) {
    const revision = facts.revisionOf(id)
    if (revision === undefined) return index === 0 ? { kind: 'append', recreate: softDeleted } : WRONG
    lastRevision = revision
  }
  if (ids.length === 0) return { kind: 'append', recreate: softDeleted }
  return { kind: 'repeated', lastRevision }
}
