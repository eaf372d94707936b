/** The settings of HTTP: what a caller, an address and a connection may take. src/config.ts reads them with all others. */
import { z } from 'zod'
import { bytes, count, flag, milliseconds, percent, port } from '../runtime/setting.ts'

export const httpSettings = z.object({
  ADMIN_PORT: port
    .optional()
    .describe(
      'port of /metrics and /readyz, which then leave the API’s port; 0: any free one; unset: on the API’s port',
    ),
  ADMIN_HOST: z.string().default('127.0.0.1').describe('address that ADMIN_PORT listens on'),
  BODY_MAX_BYTES: bytes(33_554_432).describe(
    'of a body that is held in memory, whatever its operation takes; each has a bound of its own, most of 16 KiB',
  ),
  BODIES_IN_FLIGHT_MAX_BYTES: bytes(67_108_864).describe('bytes of bodies that are held at the same time'),
  BODIES_IN_FLIGHT_PER_ADDRESS_MAX_BYTES: bytes(16_777_216).describe('the same, of one client address'),
  ANSWERS_UNREAD_MAX_BYTES: bytes(16_777_216).describe(
    'bytes of answers that one caller, a tenant or an address without a key, has not taken yet',
  ),
  ANSWERS_UNREAD_IN_ALL_MAX_BYTES: bytes(67_108_864).describe(
    'the same of all callers together; beyond it, who holds more than an equal part of it is refused',
  ),
  TENANT_REQUESTS_IN_FLIGHT_MAX: count(1_024).describe('requests of one tenant (operator, organization) at a time'),
  TENANT_LOOP_MAX_PERCENT: percent(60).describe(
    'share of the event loop that the requests of one tenant may take of TENANT_LOOP_WINDOW_MS while others ask too',
  ),
  TENANT_LOOP_WINDOW_MS: milliseconds(10_000).describe('the time that this share is of; it slides'),
  TENANT_LISTS_MAX: count(2).describe('lists that are read for one tenant at a time while others ask too; more wait'),
  JSON_DEPTH_MAX: count(64),
  JSON_TOKENS_MAX: count(50_000).describe('strings, numbers and punctuation marks of a body of JSON'),
  HEADERS_MAX_BYTES: bytes(32_768).describe('of the head of a request; the metadata of a run in it may have 16 KiB'),
  HEADERS_TIMEOUT_MS: milliseconds(10_000).describe('for the head of a request to arrive'),
  KEEP_ALIVE_TIMEOUT_MS: milliseconds(30_000).describe('a connection without a request is closed after this time'),
  REQUEST_TIMEOUT_MS: milliseconds(30_000),
  TRANSFER_TIMEOUT_MS: milliseconds(1_800_000).describe('the same for requests that bring files'),
  ANSWER_STALL_MAX_MS: milliseconds(30_000).describe(
    'a client that takes nothing of its answer for so long is cut off',
  ),
  ANSWER_TAKEN_MAX_MS: milliseconds(120_000).describe('for a client to take what is ready of its answer'),
  CONNECTIONS_MAX: count(10_000).describe('open connections'),
  CONNECTIONS_PER_ADDRESS_MAX: count(2_000).describe('the same, of one client address; not counted with TRUST_PROXY'),
  PIPELINED_REQUESTS_MAX: count(32).describe('requests that a connection may send ahead of their answers'),
  PIPELINED_PER_CALLER_MAX: count(512).describe(
    'of these, on all connections of a caller, how many stand behind another; a connection that sends more is closed',
  ),
  REQUESTS_WAITING_MAX: count(2_048).describe('requests of one tenant that wait to be begun; more are 429'),
  ANONYMOUS_REQUESTS_WAITING_MAX: count(512).describe('the same of one client address without a key'),
  READINESS_TIMEOUT_MS: milliseconds(2_000).describe('for the answer of one thing that /readyz asks about'),
  ANONYMOUS_PER_MINUTE_MAX: count(1_200).describe(
    'requests without a key of one client address: for documents, for nothing, or that are refused for the lack of one',
  ),
  ANONYMOUS_LOOP_MAX_PERCENT: percent(10).describe(
    'share of the event loop that requests without a key of one client address may take while others ask too; more wait',
  ),
  AUTH_FAILURES_PER_MINUTE_MAX: count(60).describe('refused API keys per client address, before 429'),
  TRUST_PROXY: flag(false).describe('take the client address from x-forwarded-for'),
})
