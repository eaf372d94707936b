/**
 * Whose events a reader may see. An event belongs to the tenant whose thing its stream is about; where nobody knows
 * the stream, to the one that it names or whose things it names, and last to the one that caused it. What belongs to
 * nobody is shown to those alone who may see everything.
 */
import { deterministicId } from '../commands/identity.ts'
import { isUuid } from '../events/uuid.ts'
import { createLru, type Lru } from '../runtime/lru.ts'
import type { AuditRules } from './declarations.ts'
import { membersOf, type RawEvent, type RawLog } from './raw-log.ts'
import { idOf } from './timeline.ts'

export interface Scope {
  /** Those of the events that may be seen, in their order. */
  admit(events: readonly RawEvent[]): Promise<readonly RawEvent[]>
  /**
   * Whether a stream may be read, decided before more of it is read than its first event. It takes as long for a stream
   * that is another's as for one that is not there.
   */
  mayRead(stream: string, log: Pick<RawLog, 'readStream'>): Promise<boolean>
}

export const everything: Scope = { admit: async (events) => events, mayRead: async () => true }

export interface TenantScope extends Scope {
  /** Events that the reader was allowed to see so far: the only count that a reader may learn. */
  admitted(): number
}

/** The tenants of those ids that have one. */
export type OwnersOf = (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>

/** Stream → tenant; what a stream is about never changes hands. */
export type KnownOwners = Lru<string, string>

export const createKnownOwners = (streamsMax: number): KnownOwners => createLru(streamsMax)

/** How a scope knows whose an event is. */
export interface Ownership {
  ownersOf: OwnersOf
  known: KnownOwners
  rules: Pick<AuditRules, 'tenantFieldOf' | 'thingFieldsOf' | 'isNobodys'>
}

interface Named {
  tenantId: string | undefined
  /** Ids of things, of whatever kind. */
  ids: readonly string[]
  /** The tenant that caused it. */
  actor: string | undefined
}

/** What events of keys and readings call a tenant: a UUID as it is, and of any other id one that follows from it. */
export const recordedTenantOf = (id: string): string => (isUuid(id) ? id : deterministicId('audit tenant', id))

/** Whether this is the tenant, by its id or as events record it. */
const isTenant = (owner: string | undefined, tenantId: string): boolean =>
  owner !== undefined && (owner === tenantId || recordedTenantOf(owner) === tenantId)

/** The events of one tenant. Rejects as `ownersOf` does. */
export function scopeOf(tenantId: string, { ownersOf, known, rules }: Ownership): TenantScope {
  let count = 0
  const scope: TenantScope = {
    admitted: () => count,
    async mayRead(stream, log) {
      const [owners, [first]] = await Promise.all([
        ownersOf([idOf(stream)]),
        Array.fromAsync(log.readStream(stream, 0n, 1n)),
      ])
      const owner = owners.get(idOf(stream))
      if (owner !== undefined) return isTenant(owner, tenantId)
      return first !== undefined && (await scope.admit([first])).length > 0
    },
    async admit(events) {
      const strangers = new Map<RawEvent, Named>()
      const ids = new Set<string>()
      for (const event of events) {
        if (known.has(event.stream)) continue
        const named = namesOf(event, rules)
        strangers.set(event, named)
        ids.add(idOf(event.stream))
        for (const id of named.ids) ids.add(id)
      }
      const owners = ids.size === 0 ? new Map<string, string>() : await ownersOf([...ids])
      const isMine = (event: RawEvent) => isTenant(ownerOf(event, strangers.get(event), owners, known), tenantId)
      const mine = events.filter((event) => !rules.isNobodys(event.stream) && isMine(event))
      count += mine.length
      return mine
    },
  }
  return scope
}

function ownerOf(
  event: RawEvent,
  named: Named | undefined,
  owners: ReadonlyMap<string, string>,
  known: KnownOwners,
): string | undefined {
  if (!named) return known.get(event.stream)
  const ofStream = owners.get(idOf(event.stream))
  if (ofStream !== undefined) {
    known.set(event.stream, ofStream)
    return ofStream
  }
  if (named.tenantId !== undefined) return named.tenantId
  const ofThings = new Set(named.ids.map((id) => owners.get(id)).filter((owner) => owner !== undefined))
  // Things of two tenants in one event: it is neither's to see.
  if (ofThings.size > 0) return ofThings.size === 1 ? [...ofThings][0] : undefined
  return named.actor
}

/** What the event names, by the members that its context declares; nothing where it cannot be read. */
function namesOf(event: RawEvent, rules: Ownership['rules']): Named {
  const data = membersOf(event.data)
  const ids = rules.thingFieldsOf(event.type).flatMap((name) => (typeof data[name] === 'string' ? [data[name]] : []))
  const tenantId = data[rules.tenantFieldOf(event.type) ?? '']
  const { actor } = membersOf(event.metadata) as { actor?: { kind?: unknown; id?: unknown } }
  const isOperator = actor?.kind === 'operator' && typeof actor.id === 'string'
  return {
    tenantId: typeof tenantId === 'string' ? tenantId : undefined,
    ids,
    actor: isOperator ? (actor.id as string) : undefined,
  }
}
