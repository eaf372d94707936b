/** What the kernel of HTTP keeps of a request while it is answered, and the limits and tools that all contexts share. */

import type { HttpBindings } from '@hono/node-server'
import type { Actor } from '../events/event.ts'
import type { Log } from '../log.ts'
import type { Sealer } from './cursor.ts'
import type { WindowOf } from './rate-limit.ts'
import type { TenantUse } from './tenant-use.ts'

/** Who asks. A context's own principal has these members and its own. */
export interface Principal {
  /** Whose data the request is about: rate limits and idempotency keys are counted for each tenant. */
  tenantId: string
  /** Part of the identity of an idempotent command; '' where the context has none. */
  environment: string
  scopes: readonly string[]
  /** Recorded as the author of what the request changes. */
  actor: Actor
  /** Members that the log line of a request names the caller by. */
  logFields: Readonly<Record<string, string>>
}

/** One request and its answer, as the kernel passes them along. */
export interface Exchange {
  requestId: string
  /** Headers of the answer, by their names in lower case. A plain object is passed on to Node as it is. */
  headers: Record<string, string>
  /** Set once the caller is known. */
  principal: Principal | undefined
  /** The answer, where the kernel has built it, with the headers above. */
  answer: Response | undefined
  /** The template of the address, where an operation or a context answers, and its ways of signing in. */
  route: string | undefined
  schemes: readonly string[]
  /** The body is no longer held (bounds.ts). */
  releaseBody: (() => void) | undefined
  /** What the caller's tenant takes, this request included; and when the step began that its time is counted for. */
  tenant: TenantUse | undefined
  stepAtMs: number | undefined
  /** It is none of the requests that its tenant may have at a time: its operation bounds those itself. */
  isLong: boolean
  /** Of the answer's body, where it is long and known. */
  sentBytes: number
  /** The status that counts, where it is not that of the answer's object: 101. */
  status: number | undefined
  /** Of the refusal, where it is one. */
  code: string | undefined
}

export interface AppEnv {
  /** Absent where the app is called without a socket, as by a test. */
  Bindings: Partial<HttpBindings>
  Variables: { exchange: Exchange }
}

/** Limits that hold for every context, and what each is unless a setting says otherwise. */
export const defaultHttpLimits = {
  /** No operation takes a larger body. */
  bodyMaxBytes: 33_554_432,
  jsonDepthMax: 64,
  /** Strings, numbers and punctuation marks of a body. */
  jsonTokensMax: 50_000,
  /** How long an answer waits for the read models. */
  readYourWritesWaitMs: 1_000,
  /** Refused credentials per client address and minute, before further ones are answered with 429. */
  authFailuresPerMinuteMax: 60,
  /** Requests without a key per client address and minute. */
  anonymousPerMinuteMax: 1_200,
  /** Bytes of bodies that this process holds at the same time, and of one client address. */
  bodiesInFlightMaxBytes: 67_108_864,
  bodiesInFlightPerAddressMaxBytes: 16_777_216,
  /** Bytes of answers that one caller, a tenant or an address, has not taken yet; of all, beyond which each has an equal part. */
  answersUnreadMaxBytes: 16_777_216,
  answersUnreadInAllMaxBytes: 67_108_864,
  /** How long an answer that is whole in memory may take to be taken. */
  answerTakenMaxMs: 120_000,
  /** Requests of one tenant at a time, and its share of the event loop over a window that slides. */
  tenantInFlightMax: 1_024,
  tenantLoopMaxPercent: 60,
  tenantLoopWindowMs: 10_000,
  /** Lists that are read for one tenant at a time while others ask too. */
  tenantListsMax: 2,
  /** Take the client's address from `x-forwarded-for`: only behind a proxy that sets it. */
  trustProxy: false,
}
export type HttpLimits = typeof defaultHttpLimits

/** What serving a context needs, in addition to the context's own parts. */
export interface Runtime {
  limits: HttpLimits
  log: Log
  /** Makes and opens cursors and positions. */
  sealer: Sealer
  /** Milliseconds that only go forward, for durations and limits. */
  nowMs: () => number
  /** Counts of rate limits that several processes share; absent: each counts alone. */
  windowOf?: WindowOf
  /** Whether an error says that a service behind this API does not answer. */
  isUnavailable: (error: unknown) => boolean
}
