/**
 * The environment, parsed once at start. Every limit, timeout and retry of the kernel has its name and its default here,
 * with its unit last in the name; contexts declare theirs (context.ts). A value that does not fit stops the start with a
 * sentence that names it.
 */
import { z } from 'zod'
import { contextNames } from './contexts.ts'
import { accountCurrencies } from './engine/money.ts'
import { httpSettings } from './http/settings.ts'
import { InvalidConfiguration } from './runtime/invalid-configuration.ts'
import { bytes, count, flag, list, milliseconds, orNone, port, schedule } from './runtime/setting.ts'

/** Names of contexts, as contexts.ts lists them. */
const contextList = list(z.enum(contextNames), contextNames)
const currencyList = list(
  z.string().regex(/^[A-Z]{3}$/, 'is to be ISO 4217 codes, with commas between'),
  accountCurrencies,
)

export const ROLES = ['api', 'projector', 'relay', 'webhooks', 'scorer', 'media', 'engine'] as const
export type Role = (typeof ROLES)[number]

const optionalUrl = z.string().min(1).optional()
const optionalHttpUrl = z
  .url({ protocol: /^https?$/, error: 'is to be an address with http:// or https://' })
  .optional()

const environmentSchema = z.object({
  // Where and as what
  PORT: port.optional().describe('port of the API; unset: 8080, or the next free one; 0: any free one'),
  HOST: z.string().default('127.0.0.1').describe('address that the API listens on'),
  DATA_DIR: z.string().min(1).default('./data').describe('everything that the instance keeps'),
  ROLES: list(z.enum(ROLES), ROLES).describe('which parts run in this process'),
  CONTEXTS: contextList.describe('which contexts this instance serves'),
  SANDBOX_OPERATOR: z
    .enum(['auto', 'on', 'off'])
    .default('auto')
    .describe('create a sandbox operator on the first run; auto: with the embedded event store only'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  LOG_FILE: z.string().optional().describe('file for the log, - for standard output; unset: opslog.log in DATA_DIR'),

  // OpenTelemetry; its other variables (headers, samplers, resource attributes, batches) hold too
  OTEL_EXPORTER_OTLP_ENDPOINT: optionalHttpUrl.describe(
    'collector of traces and figures, such as http://127.0.0.1:4318',
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: optionalHttpUrl.describe('the same for traces alone, the whole address'),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: optionalHttpUrl.describe('the same for figures alone, the whole address'),
  OTEL_METRIC_EXPORT_INTERVAL: milliseconds(60_000).describe('between two sends of the figures to the collector'),

  // Backing services; the embedded ones where these are absent
  EVENTSTORE_URL: z
    .string()
    .min(1)
    .optional()
    .describe('esdb:// or kurrentdb:// connection string, with +discover for a cluster'),
  DATABASE_URL: optionalUrl.describe('postgres:// connection string'),
  POSTGRES_SERVER: z
    .enum(['auto', 'bundled'])
    .default('auto')
    .describe('embedded Postgres: auto prefers an installed one (14 to 18), bundled takes what npm brought'),
  NATS_URL: optionalUrl.describe('nats:// address of a server with JetStream'),
  NATS_SERVER: z
    .enum(['auto', 'path', 'off'])
    .default('auto')
    .describe('embedded stream: auto finds or fetches nats-server, path only looks for it, off runs in process'),
  NATS_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/)
    .default('noctant')
    .describe('first token of the subjects and of the stream names'),

  START_WAIT_MAX_MS: milliseconds(30_000).describe('how long a start waits for services that are not there yet'),
  STOP_WAIT_MAX_MS: milliseconds(20_000).describe('after this time a stop is over, finished or not; nothing is lost'),

  // Event store client
  EVENTSTORE_DEADLINE_MS: milliseconds(3_000).describe('for one attempt: an append, or a read at which nothing comes'),
  LOG_MISMATCH_PATIENCE_MS: milliseconds(4_000).describe('a store that shows another log is asked again so long'),
  APPEND_ATTEMPTS_MAX: count(3).describe('sends of an append whose outcome stays unknown'),
  SUBSCRIPTION_BATCH_MAX: count(500),
  PROJECTOR_BATCH_INTERVAL_MS: orNone(2).describe(
    'from the start of one batch of the read models to the next at least; 0: as they come',
  ),
  SUBSCRIPTION_SILENCE_MAX_MS: milliseconds(8_000).describe('a subscription that is dead for this long is made anew'),
  SUBSCRIPTION_BACKOFF_MIN_MS: milliseconds(100),
  SUBSCRIPTION_BACKOFF_MAX_MS: milliseconds(5_000),
  HEARTBEAT_INTERVAL_MS: milliseconds(3_000).describe('between two heartbeats in the log while events are written'),
  HEARTBEAT_IDLE_INTERVAL_MS: milliseconds(60_000).describe('the same while nothing else is written'),

  // Commands
  AGGREGATE_CACHE_MAX: count(20_000).describe('aggregates whose state is kept in memory'),
  AGGREGATE_CACHE_MAX_BYTES: bytes(67_108_864).describe('bytes of those states in memory, as far as they can be told'),
  AGGREGATE_CACHE_COMMANDS_MAX: count(4_000_000).describe(
    'commands with a key that these aggregates know together, some sixteen bytes each',
  ),
  CONFLICT_RETRIES_MAX: count(3),
  READ_YOUR_WRITES_WAIT_MS: orNone(1_000).describe('how long an answer waits for the read models; 0: not at all'),

  // Postgres
  DATABASE_POOL_MAX: count(10),
  DATABASE_STATEMENT_TIMEOUT_MS: milliseconds(10_000),
  DATABASE_CONNECT_TIMEOUT_MS: milliseconds(3_000),

  // Personal data
  SECRETS_KEY: z
    .string()
    .optional()
    .describe(
      '32 bytes in base64 that webhook secrets and the keys of persons are sealed with; unset: secrets.key in DATA_DIR',
    ),
  SECRETS_KEY_PREVIOUS: z
    .string()
    .optional()
    .describe('while SECRETS_KEY is being rotated: the key before it; several with commas between'),
  SECRETS_ROTATE_BATCH_MAX: count(500).describe('keys that `opslog admin secrets rotate` seals anew at a time'),
  PERSON_KEYS_CACHE_MAX: count(20_000).describe('keys of persons kept in memory'),
  VAULT_SWEEP_MAX_MS: milliseconds(30_000).describe(
    'how long forget-user waits for older transactions before it leaves a destroyed key’s bytes in Postgres’s file, and ' +
      'how long the rewriting of that may take',
  ),

  // The one clock, which is Postgres's
  CLOCK_CHECK_INTERVAL_MS: milliseconds(10_000).describe('between two looks at Postgres’s clock'),
  CLOCK_OFFSET_ALARM_MS: milliseconds(2_000).describe('a process whose own clock is further off logs a warning'),

  // HTTP
  ...httpSettings.shape,
  SHUTDOWN_GRACE_MS: milliseconds(10_000).describe('time for requests under way when the instance stops'),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('where clients reach the API; needed where HOST is not loopback; unset: as the request reached it'),
  RATE_SHARE_INTERVAL_MS: milliseconds(500).describe(
    'how often API processes add up what they have counted for rate limits',
  ),

  // Seals
  SEAL_INTERVAL_S: count(3_600).describe('from one seal of the log to the next; the projector’s role makes them'),
  SEAL_FILE: z.string().min(1).optional().describe('file that every seal is appended to; keep its copies elsewhere'),
  SEAL_KEY_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('private key of the seals, made where it is missing; default: audit-seal-key.pem in DATA_DIR'),
  SEAL_PUBLIC_KEYS: z
    .string()
    .optional()
    .describe(
      'keys that seals must be made with, in base64 or as files, divided by commas; unset: seals are not checked',
    ),
  SEAL_WEBHOOK_URL: optionalUrl.describe('https address that every seal is posted to, until it has taken it'),
  SEAL_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/, 'is to be whsec_ and at least 24 bytes in base64')
    .optional()
    .describe('what those posts are signed with (Standard Webhooks)'),
  SEAL_WEBHOOK_BACKLOG_MAX: count(1_000).describe('seals that are posted after a time in which none arrived'),

  // Processes
  PROCESS_RETRY_MS: milliseconds(2_000).describe('before a process that failed starts over'),
  PROCESS_CHECKPOINT_INTERVAL_MS: milliseconds(100).describe(
    'least time between two writes of a process’s checkpoint; after a crash that much is handled again',
  ),
  PROCESS_FAULTS_INTERVAL_MS: milliseconds(1_000).describe(
    'how often a process looks whether its parts have met a fault, which all processes then show in /readyz',
  ),
  PROJECTION_LAG_MAX_MS: milliseconds(30_000).describe('read models that are further behind show in /readyz'),
  DUE_WORK_CONCURRENCY_MAX: count(4).describe(
    'things that a process has due at a time, such as what expires, and does at once, where nothing else says how many',
  ),
  DUE_WORK_RETRY_MIN_MS: milliseconds(500).describe('before such a thing that has failed is tried again; it doubles'),
  DUE_WORK_RETRY_MAX_MS: milliseconds(60_000).describe('the longest of these waits'),
  DUE_WORK_DRAIN_MS: milliseconds(5_000).describe('time for such things under way when the instance stops'),

  // Webhooks
  WEBHOOK_TIMEOUT_MS: milliseconds(15_000).describe('for one attempt, name resolution and answer included'),
  WEBHOOK_RETRY_SCHEDULE_MS: schedule(
    [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map((s) => s * 1_000),
  ),
  WEBHOOK_RETRY_AFTER_MAX_MS: milliseconds(86_400_000).describe('a longer Retry-After is cut to this'),
  WEBHOOK_DISABLE_AFTER_MS: milliseconds(432_000_000).describe(
    'an endpoint that has only failed for this long is disabled',
  ),
  WEBHOOK_CONCURRENCY_MAX: count(256).describe('attempts at once'),
  WEBHOOK_ENDPOINT_CONCURRENCY_MAX: count(4).describe('attempts at once to one endpoint'),
  WEBHOOK_ENDPOINT_QUEUE_MAX: count(100),
  WEBHOOK_POLL_INTERVAL_MS: milliseconds(500),
  WEBHOOK_POLL_BATCH_MAX: count(2_000),
  WEBHOOK_DRAIN_MS: milliseconds(5_000).describe('time for attempts under way when the instance stops'),
  WEBHOOK_EXCERPT_MAX_BYTES: count(1_024),
  WEBHOOK_SECRETS_KEY: z.string().optional().describe('older name of SECRETS_KEY'),
  WEBHOOK_ALLOW_PRIVATE: flag(false).describe('development: webhooks may go to loopback, by http too'),
  WEBHOOK_CACHE_MAX: count(20_000).describe('endpoints, accounts and deliveries kept in memory, each'),

  // Tests of faults; src/runtime/crash-points.ts reads it by itself, before anything else runs
  CRASH_POINT_FILE: z.string().optional().describe('file whose orders make crash points live; not in production'),

  // Command stream and reference engine
  STREAM_PUBLISH_TIMEOUT_MS: milliseconds(2_000),
  ENGINE_PORT: port.default(0).describe('port of the order entry; 0: a free one'),
  ENGINE_FEED_SEED: z.coerce.number().int().min(0).default(1),
  ENGINE_TICK_INTERVAL_MS: milliseconds(250),
  ENGINE_CURRENCIES: currencyList.describe(
    'currencies that the engine keeps accounts in: an account or a template in another is refused at once',
  ),
  ENGINE_MARK_INTERVAL_MS: milliseconds(5_000).describe('between valuations of an account with open positions'),
})

export type Config = z.infer<typeof environmentSchema> & {
  /** The environment as it is: contexts have variables of their own (`readSettings`). */
  GIVEN: Readonly<Record<string, string | undefined>>
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/i

/**
 * Throws InvalidConfiguration where others could reach the API and no PUBLIC_URL says under which name: links and
 * cookies would follow whatever Host a request claims.
 */
export function requirePublicUrl({ ROLES: roles, HOST: host, PUBLIC_URL: publicUrl }: Config): void {
  if (publicUrl !== undefined || !roles.includes('api') || LOOPBACK.test(host)) return
  throw new InvalidConfiguration(
    `HOST=${host} opens the API to other machines: set PUBLIC_URL to the address that clients use, as https://api.example.com.`,
  )
}

/** The configuration that the environment describes. Throws InvalidConfiguration. */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  return { ...readSettings(environmentSchema, { GIVEN: given }), GIVEN: given }
}

/** The variables that a context declares. Throws InvalidConfiguration. */
export function readSettings<S extends z.ZodObject>(schema: S, { GIVEN }: Pick<Config, 'GIVEN'>): z.output<S> {
  const result = schema.safeParse(GIVEN)
  if (result.success) return result.data
  const faults = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
  throw new InvalidConfiguration(`The environment does not fit:\n${faults.join('\n')}`)
}

/** Every variable with its default and its description, those of these contexts among them. */
export function describeConfig(
  contexts: readonly { settings?: z.ZodObject }[],
): { name: string; fallback: string; description: string }[] {
  const shapes = [environmentSchema, ...contexts.flatMap(({ settings }) => settings ?? [])].map(({ shape }) => shape)
  return Object.entries(Object.assign({}, ...shapes) as Record<string, z.ZodType>).map(([name, schema]) => {
    const parsed = schema.safeParse(undefined)
    const value = parsed.success ? parsed.data : undefined
    return {
      name,
      fallback: value === undefined ? '' : settingText(value),
      description: schema.description ?? '',
    }
  })
}

/** As somebody would set it: lists with commas, and what is written in JSON as JSON. */
function settingText(value: unknown): string {
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Connection strings carry passwords, keys are secrets as a whole, and screens are recorded. */
export const withoutSecret = (name: string, value: string): string =>
  /_(KEY|SECRET|TOKEN|PASSWORD|KEY_PREVIOUS)$/.test(name)
    ? '***'
    : value.replace(/(:\/\/[^:@/\s]*):[^@/\s]*@/, '$1:***@')
