/**
 * Facts of a launch: a link that opens the hosted terminal once. Stream `noctant.launchSession-<launchSessionId>`. Of
 * the link's token and of the browser's cookie only hashes are kept. Event names are the storage format.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { personal } from '../personal.ts'
import type { AccountEvent } from './account.ts'
import {
  backtestStrategy,
  decimal,
  feedKind,
  historicalSessionMode,
  launchProductMode,
  sha256,
  time,
  uuid,
  visibilityPolicy,
} from './vocabulary.ts'

const feed = z.object({ feedId: uuid, symbol: z.string(), kind: feedKind, contentHash: sha256 })
const window = {
  /** Inclusive. */
  marketTimeStart: time,
  /** Exclusive. */
  marketTimeEnd: time,
}

export const launchSessionEvents = {
  'noctant.LaunchSessionCreated.v1': z.object({
    launchSessionId: uuid,
    operatorId: uuid,
    orgId: uuid,
    globalUserId: uuid,
    externalUserId: z.string(),
    requestedRoute: z.string(),
    requestedProductMode: launchProductMode,
    /** The operator's own page; its query may say who comes back. */
    returnUrl: personal(z.string().nullable()),
    /** The account as it was then; null for a historical launch. */
    account: z
      .object({
        programAccountId: uuid,
        accountId: uuid,
        externalAccountId: z.string(),
        visibilityPolicy,
      })
      .nullable(),
    /** Feed and range that the session is held to; null for an account's launch. */
    historical: z
      .object({
        mode: historicalSessionMode,
        feed,
        ...window,
        currency: z.string(),
        initialBalance: decimal,
        /** Null for a replay. */
        strategy: backtestStrategy.nullable(),
      })
      .nullable(),
    tokenHash: sha256,
    expiresAt: time,
    occurredAt: time,
  }),
  'noctant.LaunchSessionRedeemed.v1': z.object({ launchSessionId: uuid, operatorId: uuid, occurredAt: time }),
  'noctant.BrowserSessionAttached.v1': z.object({
    launchSessionId: uuid,
    operatorId: uuid,
    /** Of the cookie's value. */
    browserSessionHash: sha256,
    expiresAt: time,
    occurredAt: time,
  }),
  /** The engine's replay service is asked for the session that the launch was for. */
  'noctant.HistoricalSessionRequested.v1': z.object({
    launchSessionId: uuid,
    sessionId: uuid,
    backtestRunId: uuid,
    operatorId: uuid,
    orgId: uuid,
    globalUserId: uuid,
    externalUserId: z.string(),
    requestedProductMode: launchProductMode,
    mode: historicalSessionMode,
    feedId: uuid,
    ...window,
    occurredAt: time,
  }),
}
export type LaunchSessionEvent =
  | EventOf<typeof launchSessionEvents>
  | Extract<AccountEvent, { type: 'noctant.EngineCommandRequested.v1' }>
