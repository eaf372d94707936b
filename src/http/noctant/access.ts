/** What noctant's handlers work with, who signs its requests, and the builders of its operations. */
import type { KeyDirectory } from '../../api-keys/key-directory.ts'
import { createKeyProof } from '../../api-keys/key-proof.ts'
import { parseApiKey } from '../../commands/noctant/api-key.ts'
import type { ApiScope } from '../../events/noctant/vocabulary.ts'
import type { PersonKeys } from '../../events/sealing.ts'
import type { EventStore } from '../../events/store.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { Credential } from '../../projections/noctant/credentials.ts'
import { bearerScheme, signedBy, type Verdict, type Verifier } from '../access.ts'
import type { Principal } from '../environment.ts'
import { type CoreParts, operationsFor } from '../operation.ts'
import type { SignIn } from '../pages/declaration.ts'
import type { NoctantCode } from './errors.ts'
import type { LaunchSettings } from './launches/launch-view.ts'

export interface NoctantParts extends CoreParts {
  db: ReadModels
  /** What administrators do about commands that were given up stands in the commands' own streams. */
  store: Pick<EventStore, 'readLast' | 'append' | 'head'>
  personKeys: PersonKeys
  /** The keys that this process knows. */
  credentials: Pick<KeyDirectory<Credential>, 'find'>
  /** How long a replaced API key goes on working. */
  keyRotationGraceMs: number
  /** Of one operator: requests on the standard tier, and rotations of keys on any. */
  perMinute: { requestsMax: number; rotationsMax: number }
  /** Keys of an operator that work at a time, at most. */
  keysPerOperatorMax: number
  /** How long the answer to a rotation waits until this process knows the new key. */
  keyKnownWaitMs: number
  launch: LaunchSettings
  /** What the engine keeps accounts in, by ISO 4217. */
  engineCurrencies: readonly string[]
  /** Requests of one client address for hosted pages, per minute. */
  hostedPagesPerMinuteMax: number
  /** For endpoints that administrators set in the console. */
  endpoints: EndpointSettings
  /** How far apart a webhook replay's two ends may be. */
  replayWindowMaxMs: number
}

export interface EndpointSettings {
  /** The key that secrets are sealed with now. */
  sealingKey: () => Promise<Uint8Array>
  /** How long a replaced secret goes on signing. */
  overlapMs: number
  /** Development: endpoints may be on loopback, by http too. */
  allowLoopback: boolean
  /** How often a delivery is tried. */
  attemptsMax: number
}

/** The operator whose key signed the request, and what the key may do. */
export interface Operator extends Principal {
  operatorId: string
  orgId: string
  keyId: string
  rateLimitTier: RateLimitTier
}

export type RateLimitTier = 'standard' | 'pro' | 'enterprise' | 'unlimited'

/** What a tier multiplies the requests per minute of `standard` by. */
export const rateFactors: Readonly<Record<RateLimitTier, number>> = {
  ...{ standard: 1, pro: 5, enterprise: 50 },
  unlimited: Number.POSITIVE_INFINITY,
}

export const { operation, write, read, list } = operationsFor<NoctantParts, Operator, NoctantCode>()

/** Why a good key does not open anything. */
const reasons = {
  operator_suspended: 'The operator is suspended; its keys work again once it is resumed.',
  api_access_disabled: 'The operator has not been given access to the API.',
} as const

const SCHEME = 'operatorBearerAuth'
export const schemes = {
  [SCHEME]: { ...bearerScheme('An API key of the operator.'), refuses: Object.keys(reasons) },
}

/** For an operator whose key has all of these scopes. */
export const operatorKey = (...scopes: ApiScope[]) => signedBy(SCHEME, ...scopes)

export const verifiers = ({ credentials, clock }: NoctantParts) => ({ [SCHEME]: keyVerifier(credentials, clock) })

/**
 * Checks keys against the directory. A revoked key, and a replaced one whose grace is over by the clock, are answered
 * like an unknown one.
 */
function keyVerifier(credentials: NoctantParts['credentials'], clock: () => Date): Verifier<Operator> {
  const proven = createKeyProof<Credential>({
    idOf: (text) => parseApiKey(text)?.keyId,
    find: (keyId) => credentials.find(keyId),
    hashOf: ({ key }) => key.key_hash,
  })
  return (text) => verdictOn(proven(text), clock())
}

/** What the key may do now. */
function verdictOn(found: Credential | undefined, now: Date): Verdict<Operator, keyof typeof reasons> {
  if (!found) return { kind: 'invalid' }
  const { key, tenant: operator } = found
  if (key.revoked_at !== null || key.environment !== operator.environment) return { kind: 'invalid' }
  if (key.valid_until !== null && Date.parse(key.valid_until) <= now.getTime()) return { kind: 'invalid' }
  if (operator.status !== 'active') return refused('operator_suspended')
  if (operator.operator_api_access === 'disabled') return refused('api_access_disabled')
  const { operator_id: operatorId } = operator
  return {
    kind: 'valid',
    principal: {
      ...{ operatorId, tenantId: operatorId, orgId: operator.org_id, environment: operator.environment },
      keyId: key.key_id,
      scopes: key.scopes,
      rateLimitTier: operator.rate_limit_tier,
      actor: { kind: 'operator', id: operatorId, keyId: key.key_id },
      logFields: { operatorId, keyId: key.key_id },
    },
  }
}

/** How operators' keys sign in to the console. */
export const consoleSignIn: SignIn<NoctantParts> = {
  scheme: SCHEME,
  audience: 'operator',
  keyIdOf: (text) => parseApiKey(text)?.keyId,
  again: ({ credentials, clock }, keyId) => verdictOn(credentials.find(keyId), clock()),
}

const refused = (code: keyof typeof reasons) => ({ kind: 'refused' as const, code, detail: reasons[code] })
