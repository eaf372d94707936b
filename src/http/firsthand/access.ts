/** What firsthand's handlers work with, who signs its requests, and the builders of its operations. */
import type { ObjectStore } from '../../adapters/object-store/object-store.ts'
import { createKeyProof } from '../../api-keys/key-proof.ts'
import { textIdOf } from '../../commands/firsthand/api-key.ts'
import type { ClaimLimits } from '../../commands/firsthand/claiming.ts'
import { requestKeyUse } from '../../commands/firsthand/request-key.ts'
import type { Environment, Scope, Tier } from '../../events/firsthand/vocabulary.ts'
import type { Log } from '../../log.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { PaymentsOf } from '../../processes/firsthand/payment-access.ts'
import type { ApiKeyRow } from '../../projections/firsthand/api-key.ts'
import type { CredentialDirectory } from '../../projections/firsthand/credentials.ts'
import type { WorkerDirectory } from '../../projections/firsthand/worker-credentials.ts'
import type { ObjectKeys } from '../../vault/object-keys.ts'
import type { Resolve } from '../../webhooks/request.ts'
import { bearerScheme, signedBy, type Verdict, type Verifier } from '../access.ts'
import type { Principal } from '../environment.ts'
import { keepKeys } from '../once.ts'
import { type CoreParts, operationsFor } from '../operation.ts'
import type { SignIn } from '../pages/declaration.ts'
import type { RateClass } from '../rate-limit.ts'
import type { FirsthandCode } from './errors.ts'
import type { JobWaits } from './jobs/job-waits.ts'
import type { TransferLimits } from './objects/transfers.ts'

export interface FirsthandParts extends CoreParts {
  db: ReadModels
  /** The keys that this process knows. */
  credentials: Pick<CredentialDirectory, 'find'>
  /** The workers' tokens that this process knows. */
  workerCredentials: Pick<WorkerDirectory, 'find'>
  /** How long workers have seats, and how many. */
  claimLimits: ClaimLimits
  /** The keys of this instance, from which those of buyers are derived; the first makes new ones. */
  instanceKeys: () => readonly Uint8Array[]
  /** Told of each request that a key has signed. */
  noteUse: (key: Pick<ApiKeyRow, 'organization_id' | 'key_id' | 'last_used_at'>) => void
  /** Payment providers, by environment. */
  payments: PaymentsOf
  log: Pick<Log, 'warn' | 'error'>
  /** Under which name others reach the API; undefined: by the address that they ask. */
  publicUrl: string | undefined
  /** Requests that wait for the end of a job. */
  waits: JobWaits
  /** Where files lie. */
  objects: ObjectStore
  /** Of the links of a store that is ours. */
  transferLimits: TransferLimits
  /** Of one organization on the standard tier, by what is asked; and of one worker. */
  perMinute: { jobsMax: number; jobReadsMax: number; requestsMax: number; workerRequestsMax: number }
  /** Keys of an organization that work at a time, at most. */
  keysMax: number
  /** How long a replaced key goes on working. */
  keyOverlapMs: number
  /** How long the answer with a new key waits until this process takes it. */
  keyKnownWaitMs: number
  webhooks: WebhookParts
}

export interface WebhookParts {
  /** The endpoints' own keys, with which their secrets are sealed. */
  keys: ObjectKeys
  resolve: Resolve
  /** Development: endpoints may be on loopback, by http too. */
  allowLoopback: boolean
  /** Of one organization in one environment. */
  endpointsMax: number
  /** How long a replaced secret goes on signing. */
  overlapMs: number
}

/** The organization whose key signed the request, and what the key may do, in which of its two worlds. */
export interface Buyer extends Principal {
  organizationId: string
  environment: Environment
  keyId: string
  tier: Tier
}

export const { write, read, list, operation } = operationsFor<FirsthandParts, Buyer, FirsthandCode>()

const keeps = keepKeys(requestKeyUse, ({ organizationId, environment }: Buyer, operation, occurredAt) => ({
  ...{ organizationId, environment, operation, occurredAt },
}))

/** A write about something that its address names, so that its key is kept apart: it stands for one request, whatever that is about. */
export const change: typeof write = (spec) => write({ ...spec, keeps })

const SCHEME = 'BearerAuth'
const SUSPENDED = 'organization_suspended'
export const schemes = { [SCHEME]: { ...bearerScheme('An API key of the organization.'), refuses: [SUSPENDED] } }

/** For an organization whose key has all of these scopes. */
export const buyerKey = (...scopes: Scope[]) => signedBy(SCHEME, ...scopes)

type Found = NonNullable<ReturnType<CredentialDirectory['find']>>

/** The key of this text, where it works at this time: a revoked one, and one past its end by the clock, is none. */
export function provenKey(credentials: Pick<CredentialDirectory, 'find'>) {
  const proven = createKeyProof<Found>({
    idOf: textIdOf,
    find: (textId) => credentials.find(textId),
    hashOf: ({ key }) => key.key_hash,
  })
  return (text: string, now: Date): Found | undefined => {
    const found = proven(text)
    return found && works(found, now) ? found : undefined
  }
}

function works({ key }: Found, now: Date): boolean {
  const hasPassed = (time: string | null) => time !== null && Date.parse(time) <= now.getTime()
  return key.revoked_at === null && !hasPassed(key.valid_until) && !hasPassed(key.expires_at)
}

/** What a key that works may do now. */
function verdictOn({ key, tenant }: Partial<Found>): Verdict<Buyer> {
  if (!key || !tenant) return { kind: 'invalid' }
  if (tenant.status === 'suspended') {
    return { kind: 'refused', code: SUSPENDED, detail: 'The organization is suspended; its keys open nothing.' }
  }
  const { key_id: keyId, organization_id: organizationId, environment, scopes } = key
  return {
    kind: 'valid',
    principal: {
      ...{ organizationId, tenantId: organizationId, environment, keyId, scopes, tier: tenant.tier },
      actor: { kind: 'operator', id: organizationId, keyId },
      logFields: { organizationId, environment, keyId },
    },
  }
}

/** How organizations' keys sign in to the console. */
export const consoleSignIn: SignIn<FirsthandParts> = {
  scheme: SCHEME,
  audience: 'operator',
  keyIdOf: textIdOf,
  again({ credentials, clock }, textId) {
    const found = credentials.find(textId)
    return found && works(found, clock()) ? verdictOn(found) : { kind: 'invalid' }
  },
}

/** A key that does not work is answered like an unknown one. */
export function verifiers({ credentials, clock, noteUse }: FirsthandParts): Record<string, Verifier<Buyer>> {
  const proven = provenKey(credentials)
  const verify: Verifier<Buyer> = (text) => {
    const found = proven(text, clock())
    const verdict = verdictOn(found ?? {})
    if (found && verdict.kind === 'valid') noteUse(found.key)
    return verdict
  }
  return { [SCHEME]: verify }
}

/** What a tier multiplies the limits of standard by. */
const FACTORS: Readonly<Record<Tier, number>> = {
  ...{ standard: 1, pro: 5, enterprise: 50 },
  unlimited: Number.POSITIVE_INFINITY,
}

const perMinute = (standardMax: number, what: string): RateClass<never> => ({
  by: 'tenant',
  perMinuteMax: (buyer: Buyer | undefined) => standardMax * FACTORS[buyer?.tier ?? 'standard'],
  detail: (max) => `The organization's tier allows ${max} ${what} per minute.`,
})

export const rates = ({ perMinute: { jobsMax, jobReadsMax, requestsMax } }: FirsthandParts) => ({
  createJob: perMinute(jobsMax, 'new jobs'),
  jobReads: perMinute(jobReadsMax, 'reads of jobs'),
  standard: perMinute(requestsMax, 'other requests'),
})
