/** Rungate's variables of the environment, each with its unit last and its default. */
import { z } from 'zod'
import { mailSettings } from '../../adapters/mail/settings.ts'
import { count, flag, list, orNone, schedule } from '../../runtime/setting.ts'

export const rungateSettings = z.object({
  RUNGATE_REGISTRATIONS_PER_HOUR_MAX: count(10).describe(
    'accounts that one client address may register within an hour',
  ),
  RUNGATE_REQUESTS_PER_MINUTE_MAX: count(6_000).describe(
    'requests of one account, calls of models not counted; the same of a client address without one',
  ),
  RUNGATE_ADMIN_TOKENS_MAX: count(100).describe(
    'admin tokens of one account; one that has ended counts as long as one that was made with it works',
  ),
  RUNGATE_NEW_TOKENS_PER_MINUTE_MAX: count(60).describe('admin tokens that one account asks for'),
  PROXY_CALLS_PER_MINUTE_MAX: count(60_000).describe(
    'calls of models of one account, whatever becomes of them; policies limit those of an agent',
  ),
  RUNGATE_TOKEN_USE_GAP_S: count(900).describe('least time between two notes of an admin token’s use'),
  RUNGATE_COMPLETION_GRACE_MS: count(10_000).describe(
    'how long a request may take for what needs several streams, before the process that finishes such things steps in',
  ),
  RUNGATE_SESSION_S: count(604_800).describe('how long a browser’s session is good without being used'),
  RUNGATE_SESSION_USE_GAP_S: count(3_600).describe('least time between two notes of a session’s use, which prolong it'),
  RUNGATE_LOGIN_S: count(900).describe('how long a link and a code to sign in are good'),
  RUNGATE_LOGINS_PER_CALLER_HOUR_MAX: count(20).describe(
    'links to sign in that one client address may ask for in an hour',
  ),
  RUNGATE_LOGINS_PER_EMAIL_HOUR_MAX: count(5).describe('links to sign in for one e-mail address in an hour'),
  RUNGATE_LOGINS_PER_HOUR_MAX: count(1_000).describe('links to sign in of the whole installation in an hour'),
  RUNGATE_VERIFICATIONS_MAX: count(30).describe(
    'links, codes and invitations that one client address may try within 15 minutes',
  ),
  RUNGATE_INVITATION_S: count(604_800).describe('how long an invitation is good'),
  RUNGATE_INVITATIONS_PER_HOUR_MAX: count(50).describe('invitations of one account in an hour'),
  RUNGATE_RESENDS_PER_HOUR_MAX: count(5).describe('how often one invitation is sent again in an hour'),
  RUNGATE_EXPIRY_INTERVAL_MS: count(30_000).describe('between looks at invitations and sessions that are over'),
  RUNGATE_EXPIRY_BATCH_MAX: count(500).describe('invitations, and sessions, that one such look finds'),
  ...mailSettings.shape,
  RUNGATE_ALERTS_INTERVAL_MS: count(5_000).describe('between two looks at the conditions of alert rules'),
  RUNGATE_ALERTS_BATCH_MAX: count(200).describe('alert rules that one look finds to go off'),
  RUNGATE_RETENTION_INTERVAL_MS: count(5_000).describe(
    'between two looks at approvals that expire, and at what is destroyed after its time',
  ),
  RUNGATE_RETENTION_BATCH_MAX: count(200).describe('approvals that one look finds'),
  RUNGATE_WEBHOOKS_MAX: count(100).describe('webhooks of one account'),
  RUNGATE_WEBHOOK_RETRY_WAITS_MS: schedule([30_000, 120_000, 360_000]).describe(
    'before the second attempt, the third, …: by default 30 s, 2.5 min and 8.5 min after the first',
  ),
  RUNGATE_WEBHOOK_TIMEOUT_MS: count(10_000).describe('for one attempt, name resolution and answer included'),
  RUNGATE_WEBHOOK_EXCERPT_MAX_BYTES: count(4_096).describe('of a webhook’s answer that are kept'),
  RUNGATE_WEBHOOK_FAILURES_MAX: count(10).describe('deliveries given up in a row until a webhook is failing'),
  RUNGATE_WEBHOOK_DELIVERIES_DAYS: count(30).describe('how long deliveries are shown after they ended; then they go'),
  RUNGATE_WEBHOOK_SECRET_OVERLAP_S: count(600).describe('how long a webhook’s former secret signs on'),
  PROVIDER_ALLOW_PRIVATE: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe(
      'whether provider keys may lead to loopback, by http too; unset: where only this machine reaches the API',
    ),
  PROXY_BODY_MAX_BYTES: count(33_554_432).describe('of the body of a call of a model'),
  PROXY_BODIES_MAX_BYTES: count(134_217_728).describe(
    'of all such bodies that a process holds at a time, and half of it those of one account',
  ),
  PROXY_DEPTH_MAX: count(128).describe('levels of objects and lists in such a body'),
  PROXY_VALUES_MAX: count(250_000).describe('keys and values in it'),
  PROXY_TOOLS_MAX: count(1_024).describe('tools that it names'),
  PROXY_MESSAGES_MAX: count(10_000).describe('messages in it'),
  PROXY_ANSWER_MAX_BYTES: count(67_108_864).describe('of a provider’s whole answer'),
  PROXY_FRAME_MAX_BYTES: count(1_048_576).describe('of a frame of a provider’s stream'),
  PROXY_CALLS_MAX: count(4_000).describe(
    'calls of models that a process has under way; one account has half of them at most',
  ),
  PROMPT_COUNT_TIMEOUT_MS: count(2_000).describe('for a provider’s own count of a prompt, near the end of a budget'),
  TOKENIZER_TIMEOUT_MS: count(200).describe('for the count of a prompt in this process, near the end of a budget'),
  TOKENIZER_MAX_BYTES: count(4_194_304).describe('of a prompt that is counted in this process'),
  PRICES_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'JSON with prices of your own: a list of `{provider, model, input, output}`, in USD for a million tokens',
    ),
  CONTENT_LOGGING: z
    .enum(['disabled', 'enabled'])
    .default('disabled')
    .describe('whether what is asked and answered is kept, sealed, where policies leave it open'),
  CONTENT_LOGGING_POLICY_OVERRIDE: flag(true).describe('whether a policy may decide that for its runs'),
  PROVIDER_HOSTS: list(z.string(), []).describe(
    'further hosts and networks that provider keys may lead to, by http too: `llm.internal,10.1.0.0/16`',
  ),
  STREAM_WAITING_MAX_BYTES: count(262_144).describe('of a stream that its client has not taken yet'),
  CONTENT_SIDE_MAX_BYTES: count(16_384).describe(
    'of what is kept of a request, and of its answer; longer ones are left out',
  ),
  POLICY_GLOBS_MAX: count(200).describe('entries of each list of models or tools in a policy; at most 2,000'),
  POLICY_GLOB_LENGTH_MAX: count(200).describe('characters of such an entry; at most 1,000'),
  ROUTING_CHAIN_MAX: count(10).describe('providers of a chain; at most 50'),
  ROUTING_MODEL_ROUTES_MAX: count(50).describe('routes by model of a policy or an agent; at most 500'),
  AGENT_KEYS_PER_PROVIDER_MAX: count(20).describe('keys of one provider that an agent names; at most 200'),
  METADATA_MAX_BYTES: count(16_384).describe('of the metadata of an agent, and of a run; at most 131,072'),
  BUDGET_OUTPUT_FLOOR_TOKENS: count(256).describe(
    'an answer is not clamped to fewer tokens, but for one that asked for fewer',
  ),
  BUDGET_OUTPUT_UNASKED_TOKENS: count(4_096).describe(
    'what an answer without a maximum may have, even where it takes more than a quarter of the rest of a budget',
  ),
  MODEL_OUTPUT_MAX_TOKENS: count(128_000).describe('the most that a model answers of which no price table says it'),
  BLOCKED_STEPS_PER_MINUTE_MAX: count(60).describe(
    'refusals of one kind that have a step of their own, in a run and a minute; more are counted',
  ),
  CALL_EXPIRY_MARGIN_MS: count(30_000).describe('beside what its attempts take, until a call counts as expired'),
  RUN_SWEEP_INTERVAL_MS: count(60_000).describe('between two looks for runs that nobody uses any more'),
  CALL_SWEEP_INTERVAL_MS: count(5_000).describe('between two looks for calls that nobody settled in their time'),
  RUN_SWEEP_BATCH_MAX: count(500).describe('desks that one look finds'),
  DESK_BOOK_EVENTS_MAX: count(20_000).describe('events after which an agent’s desk goes on in a new stream'),
  DESK_GROUP_EVENTS_MAX: count(256).describe('events that a desk appends at a time'),
  DESK_GROUP_MAX_BYTES: count(524_288).describe('bytes of their data'),
  DESK_QUEUE_MAX: count(2_000).describe('requests that wait at one agent’s desk'),
  DESK_WAIT_MAX_MS: count(2_000).describe('how long they wait'),
  SETTLE_GATHER_MS: orNone(5).describe('how long the record of a call’s end waits for company'),
  DESK_RETRY_MS: count(250).describe('before such a record is tried again after a failure of the event store'),
  DESKS_CACHED_MAX: count(5_000).describe('desks in memory'),
  DESK_SHARED_MS: count(500).describe('how long a desk counts as shared after another process was met there'),
  DESK_TURN_MS: count(1).describe('between two looks whether that process has written'),
  DESK_TURN_MAX_MS: count(100).describe('how long a process at a shared desk waits for the other one at most'),
})
export type RungateSettings = z.output<typeof rungateSettings>
