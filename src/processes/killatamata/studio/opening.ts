/** The studio's parts that HTTP and processes open alike, from the settings. */
import { createChat } from '../../../adapters/llm/chat.ts'
import type { ContextParts } from '../../../context.ts'
import type { Media } from '../media/parts.ts'
import type { StandIns } from '../sandbox-parts.ts'
import { killatamataSettings } from '../settings.ts'
import type { AgentParts } from './agent.ts'
import { mediaJobsOf, type ReadJob } from './media-jobs.ts'

/** `gpt-5.4=openai/gpt-5.4` */
const namesIn = (pairs: readonly string[]): ReadonlyMap<string, string> =>
  new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )

/** `standIns`: whose model answers where none is configured. */
export function openAgent(
  parts: ContextParts,
  media: Media,
  readJob: ReadJob,
  standIns: Pick<StandIns, 'url'> | undefined,
): AgentParts {
  const { bus, db, clock } = parts
  const given = parts.settings(killatamataSettings)
  const url = given.AGENT_MODEL_URL ?? (standIns && `${standIns.url}/llm/v1`)
  return {
    ...{ bus, db, objects: media.objects, now: clock.now, paid: mediaJobsOf(media, readJob) },
    chat:
      url === undefined
        ? undefined
        : createChat({
            ...{ url: () => url, key: given.AGENT_MODEL_KEY, timeoutMs: given.AGENT_ANSWER_TIMEOUT_MS },
            ...{ answerMaxBytes: given.AGENT_ANSWER_MAX_BYTES, toolCallsMax: given.AGENT_TOOL_CALLS_MAX },
          }),
    modelNames: namesIn(given.AGENT_MODEL_NAMES),
    turnsMax: given.AGENT_TURNS_MAX,
    limits: {
      ...{ runMs: given.AGENT_RUN_MS, prepareMs: given.AGENT_PREPARE_MS, preparesMax: given.AGENT_PREPARES_MAX },
      ...{ historyMax: given.AGENT_HISTORY_MAX, jobsMax: given.STUDIO_PLAN_JOBS_MAX },
      ...{ planMs: given.STUDIO_PLAN_S * 1_000, progressMs: given.AGENT_PROGRESS_INTERVAL_MS },
    },
  }
}
