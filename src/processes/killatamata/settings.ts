/** Killatamata's variables of the environment, each with its unit last and its default. */
import { z } from 'zod'
import { mailSettings } from '../../adapters/mail/settings.ts'
import { objectStoreSettings } from '../../adapters/object-store/settings.ts'
import { count, list } from '../../runtime/setting.ts'
import { mediaSettings } from './media/settings.ts'
import { studioSettings } from './studio/settings.ts'

const secret = z.string().min(1).optional()

export const killatamataSettings = z.object({
  ACCOUNT_REQUESTS_PER_MIN: count(3_000).describe('requests of one account, however many keys it has'),
  SIGN_IN_PER_CLIENT_PER_MIN: count(30).describe(
    'tries to sign in, and links that devices start, of one client address',
  ),
  EMAIL_STARTS_PER_ADDRESS_PER_HOUR: count(5).describe('codes that are mailed to one address'),
  EMAIL_STARTS_PER_CLIENT_PER_HOUR: count(20).describe('codes that one client address asks for'),
  USER_CODE_MISSES_PER_CLIENT_PER_MIN: count(20).describe('unknown user codes that one client address may ask about'),
  KILLATAMATA_CODE_S: count(600).describe('how long a mailed code is good'),
  KILLATAMATA_SESSION_S: count(604_800).describe('how long a browser’s session is good; it is never prolonged'),
  KILLATAMATA_LINK_S: count(600).describe('how long a device may wait to be approved'),
  KILLATAMATA_LINK_INTERVAL_S: count(5).describe('least time between two polls of a device'),
  KILLATAMATA_KEYS_MAX: count(50).describe('API keys of one account that work at a time'),
  KEY_IDLE_EXPIRY_DAYS: count(365).describe('after so many days without use an API key expires'),
  KILLATAMATA_EXPIRY_INTERVAL_MS: count(30_000).describe('between looks at sessions, links and keys that have ended'),
  KILLATAMATA_EXPIRY_BATCH_MAX: count(500).describe('of each kind, how many one such look finds'),
  LEDGER_PERIOD_EVENTS_MAX: count(5_000).describe('events after which a stream of an account’s money is closed'),
  SETTLEMENT_SWEEP_INTERVAL_MS: count(60_000).describe('between looks at payments that nobody has told the end of'),
  SETTLEMENT_SWEEP_AGE_MS: count(120_000).describe('after this time a provider is asked what became of a checkout'),
  SETTLEMENT_SWEEP_BATCH_MAX: count(200).describe('payments that one such look finds'),
  KILLATAMATA_STRIPE_SECRET_KEY: secret.describe(
    'Stripe’s key for purchases of credit; unset: a stand-in for Stripe, in DATA_DIR',
  ),
  KILLATAMATA_STRIPE_WEBHOOK_SECRET: secret.describe('what Stripe signs its events about credit with'),
  COINBASE_API_KEY: secret.describe('Coinbase Commerce’s key; unset: nothing is paid by charges'),
  COINBASE_WEBHOOK_SECRET: secret.describe('what Coinbase Commerce signs its events with'),
  COINBASE_API_URL: z
    .url()
    .default('https://api.commerce.coinbase.com')
    .describe('where Coinbase Commerce, or a stand-in for it, is asked'),
  GOOGLE_CLIENT_ID: z
    .string()
    .min(1)
    .optional()
    .describe('our application with Google; unset: nobody signs in with Google'),
  GOOGLE_JWKS_URL: z
    .url()
    .default('https://www.googleapis.com/oauth2/v3/certs')
    .describe('where the keys are that sign ID tokens'),
  GOOGLE_ISSUERS: list(z.string().min(1), ['https://accounts.google.com', 'accounts.google.com']).describe(
    'how ID tokens name who has issued them',
  ),
  GOOGLE_TIMEOUT_MS: count(5_000).describe('for one fetch of those keys'),
  ...mailSettings.shape,
  ...objectStoreSettings.shape,
  ...studioSettings.shape,
  ...mediaSettings.shape,
})
export type KillatamataSettings = z.output<typeof killatamataSettings>
