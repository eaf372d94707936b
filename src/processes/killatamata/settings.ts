/** Killatamata's variables of the environment, each with its unit last and its default. */
import { z } from 'zod'
import { mailSettings } from '../../adapters/mail/settings.ts'
import { objectStoreSettings } from '../../adapters/object-store/settings.ts'
import { count, list } from '../../runtime/setting.ts'
import { arcadeSettings } from './arcade/settings.ts'
import { mediaSettings } from './media/settings.ts'
import { studioSettings } from './studio/settings.ts'

const secret = z.string().min(1).optional()
const optionalCount = z.coerce.number().int().nonnegative().optional()

const chainAddress = z.string().regex(/^0x[0-9a-fA-F]{40}$/)
const x402Networks = z.array(
  z.strictObject({
    network: z.string().regex(/^eip155:[1-9]\d{0,15}$/),
    rpcUrl: z.url({ protocol: /^https?$/ }),
    ...{ asset: chainAddress, payTo: chainAddress, name: z.string().min(1), version: z.string().min(1) },
  }),
)

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
  LEDGER_PERIOD_EVENTS_MAX: count(1_000).describe('events after which a stream of an account’s money is closed'),
  SETTLEMENT_GRACE_MS: count(2_000).describe('for so long a confirmed payment is left to the request that credits it'),
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
  KILLATAMATA_SITE_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('where links of affiliates lead; unset: the address of the API'),
  AFFILIATE_COMMISSION_BASIS_POINTS: count(1_000).describe(
    'commission of a deposit, in hundredths of a percent, for accounts that are bound from now on',
  ),
  AFFILIATE_COMMISSION_MONTHS: count(12).describe('how long deposits bring commission, for such accounts'),
  AFFILIATE_HOLD_DAYS: optionalCount.describe(
    'between a deposit and the time when its commission can be paid; unset: 14, in a sandbox 0',
  ),
  AFFILIATE_PAYOUT_MIN_CENTS: optionalCount.describe('the least payout, in cents; unset: 1000, in a sandbox 100'),
  AFFILIATE_REVIEW: z.enum(['on', 'off']).default('off').describe('on: affiliates are approved by people first'),
  AFFILIATE_CAPTURE_S: count(2_592_000).describe('how long the token of an affiliate’s link is good'),
  AFFILIATE_MATURING_INTERVAL_MS: count(30_000).describe('between looks at commissions that can be paid from now on'),
  AFFILIATE_MATURING_BATCH_MAX: count(500).describe('affiliates that one such look finds'),
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
  X402_NETWORKS: z
    .string()
    .default('[]')
    .transform((text, ctx) => {
      try {
        return x402Networks.parse(JSON.parse(text))
      } catch {
        ctx.addIssue('is to be a list in JSON of {network, rpcUrl, asset, name, version, payTo}')
        return z.NEVER
      }
    })
    .describe('chains and tokens that payments by x402 are made in, in JSON; [] without a sandbox: none'),
  X402_RELAYER_KEY: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, 'is to be a private key: 0x and 64 hex digits')
    .transform((key) => key as `0x${string}`)
    .optional()
    .describe('private key of the account that pays the gas of payments; unset: a facilitator does'),
  X402_FACILITATOR_URL: z.url().optional().describe('facilitator over HTTP that verifies and sends payments'),
  X402_RPC_TIMEOUT_MS: count(4_000).describe('for one question to a chain’s node'),
  X402_RPC_ANSWER_MAX_BYTES: count(4_194_304).describe(
    'of what a chain’s node answers to one question, or to several at once',
  ),
  X402_SEND_WAIT_MS: count(5_000).describe('how long a payment that was sent is waited for before the chain is asked'),
  X402_WAIT_MAX_MS: count(15_000).describe('how long a request waits for the chain; after it the payment is pending'),
  X402_POLL_MS: count(250).describe('between two looks at the chain for one payment'),
  X402_SWEEP_INTERVAL_MS: count(5_000).describe('between looks at payments that nobody waits for'),
  X402_SWEEP_AGE_MS: count(30_000).describe('after this time a payment is finished without its client'),
  X402_SWEEP_BATCH_MAX: count(100).describe('payments that one such look finds'),
  X402_FOREIGN_SETTLEMENT_MAX_S: count(600).describe('a payment that others brought to the chain counts for so long'),
  KILLATAMATA_SANDBOX: z
    .enum(['auto', 'on', 'off'])
    .default('auto')
    .describe('stand-ins for providers and a chain; auto: with the embedded event store, where no provider is given'),
  ...mailSettings.shape,
  ...objectStoreSettings.shape,
  ...studioSettings.shape,
  ...arcadeSettings.shape,
  ...mediaSettings.shape,
})
export type KillatamataSettings = z.output<typeof killatamataSettings>
