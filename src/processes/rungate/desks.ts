/** The desks of one process, with the limits of its settings. */
import { setTimeout as delay } from 'node:timers/promises'
import type { DeskLimits } from '../../commands/desk-interface.ts'
import type { DeskRules } from '../../commands/rungate/desk/desk.ts'
import { createDesks } from '../../commands/rungate/desk/desks.ts'
import type { Desks, DeskUpkeep } from '../../commands/rungate/desk/interface.ts'
import type { ContextParts } from '../../context.ts'
import { newProcessHealth } from '../process.ts'
import { rungateSettings } from './settings.ts'

/** Between two looks at refusals that were only counted. */
const FLUSH_INTERVAL_MS = 10_000
/** How long a stop waits for what is under way; calls that are not recorded by then expire. */
const CLOSE_WAIT_MS = 3_000

export interface OpenDesks extends Desks, DeskUpkeep {
  close(): Promise<void>
}

/** `processId`: a new UUID for each start. */
export function openDesks({ store, bus, clock, settings, dependenciesOf }: ContextParts, processId: string): OpenDesks {
  const { log } = dependenciesOf('rungate-desks', newProcessHealth())
  const own = settings(rungateSettings)
  const desks = createDesks({
    surroundings: { store, elapsedMs: () => performance.now(), pause: (ms) => delay(ms, undefined, { ref: false }) },
    ...{ bus, processId, limits: limitsOf(own), rules: rulesOf(own), now: clock.now },
    onError: (err) => log.warn({ err }, 'a desk could not be written; what cannot be refused is tried again'),
  })
  const flushing = setInterval(desks.flush, FLUSH_INTERVAL_MS).unref()
  return {
    ...desks,
    async close() {
      clearInterval(flushing)
      desks.flush()
      await Promise.race([desks.drained(), delay(CLOSE_WAIT_MS, undefined, { ref: false })])
    },
  }
}

type Settings = ReturnType<typeof rungateSettings.parse>

export const limitsOf = (settings: Settings): DeskLimits => ({
  ...{ groupEventsMax: settings.DESK_GROUP_EVENTS_MAX, groupBytesMax: settings.DESK_GROUP_MAX_BYTES },
  ...{ queueMax: settings.DESK_QUEUE_MAX, waitMaxMs: settings.DESK_WAIT_MAX_MS, gatherMs: settings.SETTLE_GATHER_MS },
  ...{ retryMs: settings.DESK_RETRY_MS, cachedMax: settings.DESKS_CACHED_MAX },
  ...{ sharedMs: settings.DESK_SHARED_MS, turnMs: settings.DESK_TURN_MS },
  turnMaxMs: settings.DESK_TURN_MAX_MS,
})

export const rulesOf = (settings: Settings): DeskRules => ({
  outputFloorTokens: settings.BUDGET_OUTPUT_FLOOR_TOKENS,
  outputUnaskedTokens: settings.BUDGET_OUTPUT_UNASKED_TOKENS,
  modelOutputMaxTokens: settings.MODEL_OUTPUT_MAX_TOKENS,
  blockedStepsMax: settings.BLOCKED_STEPS_PER_MINUTE_MAX,
  metadataMaxBytes: settings.METADATA_MAX_BYTES,
  expiryMarginMs: settings.CALL_EXPIRY_MARGIN_MS,
  bookEventsMax: settings.DESK_BOOK_EVENTS_MAX,
  bookOpenedMaxBytes: settings.DESK_GROUP_MAX_BYTES,
})
