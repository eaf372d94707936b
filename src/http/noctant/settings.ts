/** The part of an instance's settings that noctant's handlers work with. */
import type { Config } from '../../config.ts'
import type { NoctantSettings } from '../../processes/noctant/settings.ts'

export const handlerSettings = (config: Config, own: NoctantSettings) => ({
  keysPerOperatorMax: own.API_KEYS_PER_OPERATOR_MAX,
  perMinute: { requestsMax: own.REQUESTS_PER_MINUTE_MAX, rotationsMax: own.API_KEY_ROTATIONS_PER_MINUTE_MAX },
  keyRotationGraceMs: own.API_KEY_ROTATION_GRACE_S * 1_000,
  keyKnownWaitMs: config.READ_YOUR_WRITES_WAIT_MS,
  engineCurrencies: config.ENGINE_CURRENCIES,
  replayWindowMaxMs: own.WEBHOOK_REPLAY_WINDOW_MAX_DAYS * 86_400_000,
  hostedPagesPerMinuteMax: own.HOSTED_PAGES_PER_MINUTE_MAX,
  launch: {
    tokenTtlMs: own.LAUNCH_TOKEN_TTL_S * 1_000,
    browserSessionTtlMs: own.BROWSER_SESSION_TTL_S * 1_000,
    publicUrl: config.PUBLIC_URL,
  },
})
