/** The part of an instance's settings that noctant's handlers work with. */
import type { Config } from '../../config.ts'

export const noctantSettings = (config: Config) => ({
  keysPerOperatorMax: config.API_KEYS_PER_OPERATOR_MAX,
  keyRotationGraceMs: config.API_KEY_ROTATION_GRACE_S * 1_000,
  keyKnownWaitMs: config.READ_YOUR_WRITES_WAIT_MS,
  engineCurrencies: config.ENGINE_CURRENCIES,
  replayWindowMaxMs: config.WEBHOOK_REPLAY_WINDOW_MAX_DAYS * 86_400_000,
  hostedPagesPerMinuteMax: config.HOSTED_PAGES_PER_MINUTE_MAX,
  launch: {
    tokenTtlMs: config.LAUNCH_TOKEN_TTL_S * 1_000,
    browserSessionTtlMs: config.BROWSER_SESSION_TTL_S * 1_000,
    publicUrl: config.PUBLIC_URL,
  },
})
