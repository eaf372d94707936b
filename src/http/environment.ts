/** What the middlewares pass on to the handlers of a request, and the few things that all of them need. */
import type { HttpBindings } from '@hono/node-server'

/**
 * Who asks: the operator whose key signed the request, or whose events an auditor's key opens, and what the key may do.
 */
export interface Principal {
  operatorId: string
  orgId: string
  environment: string
  keyId: string
  scopes: readonly string[]
  rateLimitTier: RateLimitTier
}

export type RateLimitTier = 'standard' | 'pro' | 'enterprise' | 'unlimited'

export interface AppEnv {
  /** Absent where the app is called without a socket, as by a test. */
  Bindings: Partial<HttpBindings>
  Variables: {
    requestId: string
    /** Set once the request is authenticated. */
    principal: Principal
    /** Content type of refusals, where it is not that of other answers. */
    problemType: string | undefined
    /** The body's bytes; undefined where the request has none. */
    body: Uint8Array | undefined
  }
}

/** The part of pino's logger that is used here. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface HttpLimits {
  bodyMaxBytes: number
  jsonDepthMax: number
  /** How long an answer waits for the read models. */
  readYourWritesWaitMs: number
  /** Refused API keys per client address and minute, before further ones are answered with 429. */
  authFailuresPerMinuteMax: number
  /** Take the client's address from `x-forwarded-for`: only behind a proxy that sets it. */
  trustProxy: boolean
  /** How long a replaced API key goes on working. */
  apiKeyRotationGraceMs: number
  /** How far apart the two ends of a webhook replay may be. */
  webhookReplayWindowMaxMs: number
  /** How long a launch's link can be used. */
  launchTokenTtlMs: number
  /** How long a browser stays in the hosted terminal. */
  browserSessionTtlMs: number
  /** Requests for hosted pages per client address and minute. */
  hostedPagesPerMinuteMax: number
  /** Where browsers reach this API; undefined: as their requests do. */
  publicUrl: string | undefined
}

export const defaultHttpLimits: HttpLimits = {
  bodyMaxBytes: 1_048_576,
  jsonDepthMax: 64,
  readYourWritesWaitMs: 1_000,
  authFailuresPerMinuteMax: 60,
  trustProxy: false,
  apiKeyRotationGraceMs: 300_000,
  webhookReplayWindowMaxMs: 31 * 86_400_000,
  launchTokenTtlMs: 300_000,
  browserSessionTtlMs: 28_800_000,
  hostedPagesPerMinuteMax: 600,
  publicUrl: undefined,
}
