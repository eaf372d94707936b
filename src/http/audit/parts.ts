/** What the audit API works with, put together from what an instance has. */
import { createKnownOwners } from '../../audit/scope.ts'
import { createLru } from '../../runtime/lru.ts'
import type { AuditParts } from './access.ts'
import { createGate } from './gate.ts'

/** Events whose places in the log are remembered, so that their pages need no search. */
const PLACES_MAX = 50_000
/** Streams whose owners are remembered for auditors. */
const STREAM_OWNERS_MAX = 50_000

export const createAuditParts = (given: Omit<AuditParts, 'knownOwners' | 'gate' | 'places'>): AuditParts => ({
  ...given,
  knownOwners: createKnownOwners(STREAM_OWNERS_MAX),
  gate: createGate(given.limits),
  places: createLru(PLACES_MAX),
})
