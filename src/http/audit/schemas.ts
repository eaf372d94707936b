/** The schemas that several of the audit API's operations share. */
import { z } from '@hono/zod-openapi'
import { text, timeOut, uuidOut } from '../schemas.ts'

const THING_LENGTH_MAX = 512

export const thing = text(THING_LENGTH_MAX, 1).openapi({
  description: 'A stream’s name, the id of anything, an external id as the operator chose it, or a slug.',
  example: 'ACC-1001',
})

export const moment = text(64).openapi({
  description: 'A time (RFC 3339), or a position in the log as answers show it.',
  example: '2026-03-01T09:30:00Z',
})

export const cursor = text(12_000).openapi({
  description: 'The `next_cursor` of the answer before, with the same question.',
})

const nextCursor = z
  .string()
  .nullable()
  .openapi({
    type: ['string', 'null'],
    description:
      'Goes on where this answer ends, because it is full or has looked at as much as one may; null: the end.',
  })

const positionOut = z.string().openapi({
  description: 'A position in the log: a 64-bit number as text; for a key that opens a part of the log, sealed text.',
  example: '184467',
})
const revisionOut = z.string().openapi({
  pattern: '^\\d+$',
  description: 'The place in its stream, from 0.',
  example: '3',
})
const nullableText = z
  .string()
  .nullable()
  .openapi({ type: ['string', 'null'] })

export const auditScanned = {
  read_up_to: positionOut
    .nullable()
    .openapi({ type: ['string', 'null'], description: 'The last event that was looked at for this answer.' }),
  events_read: z
    .int()
    .nonnegative()
    .openapi({ description: 'How many events that the key opens were looked at for this answer.' }),
  next_cursor: nextCursor,
}

const actor = z
  .object({
    kind: z.string().openapi({ example: 'operator' }),
    id: z.string(),
    key_id: nullableText.openapi({ description: 'The API key that signed the request.' }),
  })
  .openapi('AuditActor')

const event = {
  recorded_at: timeOut,
  position: positionOut,
  stream: z.string().openapi({ example: 'noctant.account-5b8f0c6e-53a0-5f43-9f2e-9a4c3f1f0a11' }),
  revision: revisionOut,
  event_id: uuidOut,
  type: z.string().openapi({ example: 'noctant.AccountStatusChanged.v1' }),
  sentence: z.string().openapi({
    description: 'What happened, in words; or why the event cannot be read.',
    example: 'The status went from active to disabled: rule breach.',
  }),
  actor: z.union([actor, z.null()]).openapi({ description: 'Null where the event’s metadata cannot be read.' }),
  request_id: nullableText,
  command_id: nullableText,
  correlation_id: nullableText,
  causation_id: nullableText.openapi({ description: 'The command or the event that caused it.' }),
  hash: nullableText.openapi({ description: 'The event’s link in the hash chain of its stream: SHA-256, hex.' }),
  data: z.record(z.string(), z.unknown()).openapi({ type: 'object', description: 'The event’s own facts.' }),
}

export const auditEvent = z.object(event).openapi('AuditEvent')

export const traceStep = z
  .object({
    ...event,
    depth: z.int().nonnegative().openapi({ description: 'How many causes stand above it; 0: none that is known.' }),
    caused_by: nullableText.openapi({ description: 'The `event_id` of the step that caused it.' }),
    step_ms: z.int().openapi({ description: 'Between its cause and it, as the store recorded them.' }),
    since_start_ms: z.int().openapi({ description: 'Since the first step.' }),
  })
  .openapi('TraceStep')

export const streamState = z
  .object({
    stream: z.string(),
    revision: revisionOut,
    last_event_at: timeOut,
    state: z.unknown().openapi({ description: 'As decisions saw it, or the last value of each field.' }),
  })
  .openapi('StreamState')

export const difference = z
  .object({
    stream: z.string(),
    path: z.string().openapi({ example: 'status' }),
    before: nullableText.openapi({ description: 'As JSON; null: there was none.', example: '"active"' }),
    after: nullableText.openapi({ description: 'As JSON; null: there is none.', example: '"disabled"' }),
  })
  .openapi('StateDifference')

export const finding = z
  .object({
    kind: z.string().openapi({ example: 'chain' }),
    stream: z.string(),
    revision: revisionOut
      .nullable()
      .openapi({ type: ['string', 'null'], description: 'Null where it is about no single event.' }),
    position: positionOut,
    type: z.string(),
    detail: z.string().openapi({ example: 'it does not follow the event before it' }),
  })
  .openapi('Finding')

export const sealFacts = {
  position: positionOut.openapi({ description: 'The last event that it covers.' }),
  events: z.string().openapi({ description: 'How many events it covers.', example: '1000' }),
  root: z.string().openapi({ description: 'Root of the Merkle tree (RFC 6962, SHA-256) over them, hex.' }),
  public_key: z.string().openapi({ description: 'Of the key that made it: Ed25519, SPKI in DER, base64.' }),
  sealed_at: timeOut,
}
