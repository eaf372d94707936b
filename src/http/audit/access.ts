/** What the audit API's handlers work with, who signs its requests, and the builder of its operations. */

import type { KeyDirectory } from '../../api-keys/key-directory.ts'
import { createKeyProof } from '../../api-keys/key-proof.ts'
import type { AuditRules } from '../../audit/declarations.ts'
import type { RawLog } from '../../audit/raw-log.ts'
import { type KnownOwners, type OwnersOf, recordedTenantOf } from '../../audit/scope.ts'
import { auditorKeyIdOf } from '../../commands/audit/auditor-key.ts'
import type { ReadingRecorder } from '../../commands/audit/reading.ts'
import type { FindLogReader } from '../../context.ts'
import type { AuditScope } from '../../events/audit/auditor.ts'
import type { PersonKeys } from '../../events/sealing.ts'
import type { AuditorKeyRow } from '../../projections/audit/auditor-key.ts'
import type { Lru } from '../../runtime/lru.ts'
import { bearerScheme, signedBy, type Verdict, type Verifier } from '../access.ts'
import type { Principal } from '../environment.ts'
import { type CoreParts, operationsFor } from '../operation.ts'
import type { SignIn } from '../pages/declaration.ts'
import type { AuditCode } from './errors.ts'
import type { Gate, GateLimits } from './gate.ts'

export interface AuditLimits extends GateLimits {
  /** Events of the log that one request looks at; then its answer ends with a cursor. */
  eventsMax: number
  /** Events that the state of one thing may be made of. */
  stateEventsMax: number
  /** Time for one request's walk over the log; then its answer ends with a cursor. */
  timeMaxMs: number
  /** Steps of one trace. */
  traceEventsMax: number
  /** Findings in one answer. */
  findingsMax: number
}

/** What the handlers work with. */
export interface AuditParts extends CoreParts {
  log: RawLog
  rules: AuditRules
  /** The keys that seals are held against; without any, none is judged. */
  sealKeys: readonly string[]
  ownersOf: OwnersOf
  knownOwners: KnownOwners
  /** For the personal fields of what is shown. */
  personKeys: PersonKeys | undefined
  recorder: ReadingRecorder
  auditors: Pick<KeyDirectory<AuditorKeyRow>, 'find'>
  /** Of the contexts whose tenants may read their own part of the log with keys of theirs. */
  logReaders: readonly FindLogReader[]
  gate: Gate
  /** Where spans are shown, with `{trace_id}` for which trace; absent: nowhere that is known. */
  traceUrlTemplate?: string | undefined
  /** Where events stand that were shown lately, by their ids. */
  places: Lru<string, bigint>
  limits: AuditLimits
  /** Of all keys for the events of one operator together, or of all keys for those of everybody. */
  requestsPerMinuteMax: number
  /** Waits, within bounds, until every context's read models know what belongs to whom. */
  caughtUp: () => Promise<void>
}

/** The auditor whose key signed the request. */
export interface Auditor extends Principal {
  /** Whose events the key opens, a tenant's of any context, or those of all. */
  operatorId: string
  keyId: string
}

/** In the place of an operator: the auditor may see the events of all. */
export const ALL_OPERATORS = 'all'

export const { operation } = operationsFor<AuditParts, Auditor, AuditCode>()

const SCHEME = 'auditorBearerAuth'
export const schemes = { [SCHEME]: bearerScheme('The key of an auditor.') }

/** For an auditor whose key has all of these scopes. */
export const auditorKey = (...scopes: AuditScope[]) => signedBy(SCHEME, ...scopes)

export const verifiers = (parts: AuditParts) => ({ [SCHEME]: auditorVerifier(parts) })

/** A tenant's own key, where it has the scope: what it opens goes by the UUID of the tenant's id, as events record it. */
function tenantOf({ logReaders, clock }: AuditParts, text: string): Auditor | undefined {
  for (const find of logReaders) {
    const found = find(text, clock())
    if (!found?.scopes.includes('audit:read')) continue
    const { tenantId, name, keyId, scopes } = found
    const operatorId = recordedTenantOf(tenantId)
    const actor = { kind: 'auditor' as const, id: name, keyId }
    return { operatorId, tenantId: operatorId, environment: '', keyId, scopes, actor, logFields: { operatorId, keyId } }
  }
  return undefined
}

/** Checks keys against the directories. A revoked key is answered like an unknown one. */
function auditorVerifier(parts: AuditParts): Verifier<Auditor> {
  const { auditors } = parts
  const proven = createKeyProof<AuditorKeyRow>({
    idOf: auditorKeyIdOf,
    find: (keyId) => auditors.find(keyId),
    hashOf: ({ key_hash }) => key_hash,
  })
  return (text) => {
    const found = proven(text)
    if (!found) {
      const principal = tenantOf(parts, text)
      return principal ? { kind: 'valid', principal } : { kind: 'invalid' }
    }
    return verdictOn(found)
  }
}

/** What an auditor's own key opens now. */
function verdictOn(found: AuditorKeyRow | undefined): Verdict<Auditor> {
  if (!found || found.revoked_at !== null) return { kind: 'invalid' }
  const { operator_id, key_id: keyId, name, scopes } = found
  const operatorId = operator_id ?? ALL_OPERATORS
  return {
    kind: 'valid',
    principal: {
      ...{ operatorId, tenantId: operatorId, environment: '', keyId, scopes },
      actor: { kind: 'auditor', id: name, keyId },
      logFields: { operatorId, keyId },
    },
  }
}

/** How auditors' keys sign in to the console. */
export const consoleSignIn: SignIn<AuditParts> = {
  scheme: SCHEME,
  audience: 'auditor',
  keyIdOf: auditorKeyIdOf,
  again: ({ auditors }, keyId) => verdictOn(auditors.find(keyId)),
}
