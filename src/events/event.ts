/**
 * The envelope of every event: who caused it, why, and the link of the stream's hash chain. These names are the storage
 * format; they change only by additions.
 */
import { z } from 'zod'

export const actorSchema = z.object({
  kind: z.enum(['operator', 'engine', 'trader', 'admin', 'system', 'auditor', 'worker', 'agent', 'member', 'caller']),
  /** Operator id, engine name, `public` for a caller who is not known, auditor's name, operating-system user of the CLI, … */
  id: z.string(),
  /** The API key that signed the request, where there was one. */
  keyId: z.string().optional(),
})
export type Actor = z.infer<typeof actorSchema>

export const metadataSchema = z.object({
  $correlationId: z.string(),
  $causationId: z.string(),
  actor: actorSchema,
  requestId: z.string().optional(),
  traceparent: z.string().optional(),
  commandId: z.string(),
  /** SHA-256 of the canonical request, on the first event of a command with an idempotency key. */
  fingerprint: z.string().optional(),
  /** Location digest (chain.ts): binds the event to its place, since the chain covers type, data and metadata only. */
  place: z.string().optional(),
  prevHash: z.string(),
  hash: z.string(),
})
export type Metadata = z.infer<typeof metadataSchema>

/** The part of the metadata that the writer knows; the store adds the chain. */
export type Cause = Omit<Metadata, 'place' | 'prevHash' | 'hash'>

/** Any event as a decision makes it: a registered type and its data. */
export interface AnyEvent {
  type: string
  data: Record<string, unknown>
}

/** An event as it was recorded. Positions and revisions are 64-bit and stay bigint. */
export interface Recorded<E extends AnyEvent = AnyEvent> {
  id: string
  stream: string
  /** Position in its stream, from 0. */
  revision: bigint
  /** Commit position in the whole log. */
  position: bigint
  type: E['type']
  data: E['data']
  metadata: Metadata
  recordedAt: Date
}

/** The union of `{ type, data }` that a map of type → schema describes. */
export type EventOf<Schemas extends Record<string, z.ZodType>> = {
  [T in keyof Schemas & string]: { type: T; data: z.infer<Schemas[T]> }
}[keyof Schemas & string]

/** The category of a stream: the part before its first `-`. */
export const categoryOf = (stream: string): string => stream.slice(0, stream.indexOf('-'))

/** An event type in words: `noctant.AccountOpened.v1`. */
export const EVENT_TYPE = /^[a-z]+\.[A-Z][A-Za-z\d]+\.v[1-9]\d*$/

/** An event type whatever its version: `noctant.AccountOpened.v2` → `noctant.AccountOpened.v`. */
export const anyVersionOf = (type: string): string => type.replace(/\d+$/, '')
