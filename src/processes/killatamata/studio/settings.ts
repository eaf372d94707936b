/** The studio's variables of the environment, each with its unit last and its default. */
import { z } from 'zod'
import { count, list } from '../../../runtime/setting.ts'

const MODEL_NAME = /^[^=\s]+=[^=\s]+$/

export const studioSettings = z.object({
  AGENT_MODEL_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'an API of OpenAI’s shape that the studio’s agent speaks to; unset: the sandbox’s model, where there is one',
    ),
  AGENT_MODEL_KEY: z.string().min(1).optional().describe('sent to it as a bearer token'),
  AGENT_MODEL_NAMES: list(z.string().regex(MODEL_NAME), ['gpt-5.4=gpt-5.4']).describe(
    'how that API calls models that have another name there, such as gpt-5.4=openai/gpt-5.4',
  ),
  AGENT_ANSWER_TIMEOUT_MS: count(120_000).describe('for one answer of the model'),
  AGENT_ANSWER_MAX_BYTES: count(4_194_304).describe('of one answer of the model'),
  AGENT_TOOL_CALLS_MAX: count(32).describe('calls of tools in one answer of the model'),
  AGENT_TURNS_MAX: count(16).describe('answers of the model in one run'),
  AGENT_RUN_MS: count(300_000).describe('for a whole run'),
  AGENT_PREPARE_MS: count(60_000).describe('for finding out what a prompt would cost, which a request waits for'),
  AGENT_PREPARES_MAX: count(8).describe('prompts that a process prepares at once'),
  AGENT_HISTORY_MAX: count(40).describe('messages of a conversation that the model is shown'),
  AGENT_PROGRESS_INTERVAL_MS: count(250).describe('least time between two pieces of a run'),
  AGENT_CONCURRENCY_MAX: count(8).describe('runs at once, one of an account'),
  AGENT_POLL_INTERVAL_MS: count(1_000).describe('between looks at prompts and plans that are due'),
  AGENT_POLL_BATCH_MAX: count(100).describe('prompts and plans that one such look finds'),
  STUDIO_PLAN_S: count(1_800).describe('how long a plan of paid jobs can be executed'),
  STUDIO_PLAN_JOBS_MAX: count(50).describe('jobs of one plan'),
  STUDIO_SHOWN_MAX: count(50).describe('of each list in the workspace’s snapshot'),
  STUDIO_MESSAGES_SHOWN_MAX: count(500).describe('messages that a conversation shows, the last ones'),
  STUDIO_METADATA_MAX_BYTES: count(16_384).describe('of an asset’s metadata, as JSON'),
  STUDIO_METADATA_DEPTH_MAX: count(8).describe('levels of an asset’s metadata'),
})
export type StudioSettings = z.output<typeof studioSettings>
