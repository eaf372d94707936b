/** Facts of an operator and its API keys. Stream `noctant.operator-<operatorId>`. Event names are the storage format. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { apiAccess, apiScope, environment, rateLimitTier, time, uuid } from './vocabulary.ts'

export const operatorEvents = {
  'noctant.OperatorCreated.v1': z.object({
    operatorId: uuid,
    orgId: uuid,
    name: z.string(),
    slug: z.string(),
    environment,
    rateLimitTier,
    apiAccess,
    allowedOrigins: z.array(z.string()),
    occurredAt: time,
  }),
  'noctant.OperatorSuspended.v1': z.object({ operatorId: uuid, reason: z.string().nullable(), occurredAt: time }),
  'noctant.OperatorResumed.v1': z.object({ operatorId: uuid, reason: z.string().nullable(), occurredAt: time }),
  /** The origins that its return URLs may lie in, whole. */
  'noctant.OperatorOriginsChanged.v1': z.object({
    operatorId: uuid,
    allowedOrigins: z.array(z.string()),
    occurredAt: time,
  }),
  'noctant.ApiKeyIssued.v1': z.object({
    operatorId: uuid,
    keyId: z.string(),
    label: z.string().nullable(),
    environment,
    scopes: z.array(apiScope),
    /** SHA-256 of the whole key, hex; the key itself is shown once and kept nowhere. */
    keyHash: z.string().regex(/^[0-9a-f]{64}$/),
    /** The key that it was made from by rotation; absent: by an administrator, or before this was recorded. */
    replaces: z.string().optional(),
    occurredAt: time,
  }),
  'noctant.ApiKeyRevoked.v1': z.object({
    operatorId: uuid,
    keyId: z.string(),
    reason: z.string().nullable(),
    occurredAt: time,
  }),
  /** Another key took this one's place; this one works until then, so that a lost answer locks nobody out. */
  'noctant.ApiKeyRotated.v1': z.object({
    operatorId: uuid,
    keyId: z.string(),
    replacedBy: z.string(),
    validUntil: time,
    occurredAt: time,
  }),
}
export type OperatorEvent = EventOf<typeof operatorEvents>

/** The claim of a slug: stream `noctant.operatorSlug-<UUIDv5 of the slug>`, which exists once. */
export const operatorSlugEvents = {
  'noctant.OperatorSlugClaimed.v1': z.object({ slug: z.string(), operatorId: uuid, occurredAt: time }),
}
export type OperatorSlugEvent = EventOf<typeof operatorSlugEvents>
