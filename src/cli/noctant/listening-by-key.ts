/**
 * `opslog listen --url --key`: for developers without access to the machine. The API lists attempts to deliver, and not what was
 * sent; so they are shown as they come, and cannot be forwarded.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ApiProblem, type Client, createClient } from '@opslog/client'
import { untilInterrupted } from '../following.ts'
import { sayTimed as say } from '../forwarding.ts'
import { momentOf } from '../moment.ts'
import { CliError, colours, EXIT, isFetchFailure, remark } from '../terminal.ts'
import type { ListenOptions } from './listening.ts'

export interface KeyOptions extends ListenOptions {
  url: string
  key: string
}

/** Between two looks: half of what the standard tier may ask in a minute is left. */
const LOOK_INTERVAL_MS = 2_000
const PAGE_MAX = 100

type Attempt = Awaited<ReturnType<typeof newest>>[number]

export async function listenByKey(options: KeyOptions): Promise<void> {
  const { url, key, since } = options
  if (options.forwardTo !== undefined || options.secret !== undefined || options.operator !== undefined) {
    const hint = 'Attempts alone are listed to a key. --forward-to needs the instance’s directory (DATA_DIR).'
    throw new CliError(EXIT.usage, '--forward-to, --secret and --operator do not go with --url', hint)
  }
  const moment = since === undefined ? undefined : momentOf(since)
  if (moment && !('time' in moment)) throw new CliError(EXIT.usage, '--since is a time where --url is given')
  const client = createClient({ url, key, context: 'noctant' })
  const attempts = createAttempts(client, moment?.time.toISOString())
  await untilInterrupted(async (signal) => {
    let isAway = false
    let hasBegun = false
    while (!signal.aborted) {
      try {
        for (const attempt of await attempts.more()) print(attempt, options)
        if (!hasBegun) remark(`listening to ${url}`)
        hasBegun = true
        isAway = false
      } catch (error) {
        if (error instanceof ApiProblem) throw refused(error)
        if (!isFetchFailure(error)) throw error
        if (!isAway) remark('the instance cannot be reached; it is tried until it can')
        isAway = true
      }
      await delay(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => undefined)
    }
  })
}

const refused = ({ message, code }: ApiProblem): CliError =>
  new CliError(EXIT.refused, message, `opslog docs ${code} says more.`)

function print(attempt: Attempt, { events, printJson }: ListenOptions): void {
  if (events && !events.includes(attempt.event_type)) return
  if (printJson) {
    process.stdout.write(`${JSON.stringify(attempt)}\n`)
    return
  }
  const { event_type, event_id, response_status, duration_ms, attempt_number, error_message } = attempt
  const isDelivered = attempt.status === 'delivered'
  say(`--> ${colours.bold(event_type)} [${event_id}] attempt ${attempt_number}`)
  const answer = String(response_status ?? attempt.status)
  const why = isDelivered ? '' : ` ${error_message ?? ''}`.trimEnd()
  say(`<-- ${(isDelivered ? colours.green : colours.red)(answer)} ${duration_ms} ms${why}`)
}

/** Attempts that end after this time, each once, the oldest first; without a time those that end from now on. */
function createAttempts(client: Client<'noctant'>, since: string | undefined) {
  let after = since
  /** Those that ended at that very time. */
  let known = new Set<string>()
  return {
    async more(): Promise<Attempt[]> {
      const found = await newest(client, after, known)
      const [last] = found
      const isFirst = after === undefined
      if (last && last.finished_at !== after) known = new Set()
      after = last?.finished_at ?? after ?? new Date(0).toISOString()
      for (const each of found) if (each.finished_at === after) known.add(each.delivery_row_id)
      return isFirst ? [] : found.toReversed()
    },
  }
}

/** Those that ended at this time or later and are not known, the newest first; without a time the newest one of all. */
async function newest(client: Client<'noctant'>, after: string | undefined, known: ReadonlySet<string>) {
  const found = []
  const limit = after === undefined ? 1 : PAGE_MAX
  for await (const attempt of client.paginate('/v1/webhooks/deliveries', { params: { query: { limit } } })) {
    if (after !== undefined && attempt.finished_at < after) break
    if (!known.has(attempt.delivery_row_id)) found.push(attempt)
    if (after === undefined) break
  }
  return found
}
