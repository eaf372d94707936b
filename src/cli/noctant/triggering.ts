/**
 * `opslog trigger`: makes an event happen by the requests that lead to it, and waits until the log has it. The requests are
 * shown as they go.
 */
import { generateApiKey } from '../../commands/noctant/api-key.ts'
import { operator } from '../../commands/noctant/operator.ts'
import { apiScope } from '../../events/noctant/vocabulary.ts'
import { noctantSettings } from '../../processes/noctant/settings.ts'
import { within } from '../../runtime/within.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import { createChecklist } from '../demo/checks.ts'
import { type Call, poll } from '../demo/client.ts'
import { demoLimits, demoWaits } from '../demo/setting.ts'
import type { Message } from '../forwarding.ts'
import { list, type OutputOptions } from '../table-output.ts'
import { CliError, colours, EXIT, remark, show } from '../terminal.ts'
import { begin } from './demo/begin.ts'
import { followWebhooks, positionNow } from './listening.ts'
import { operatorIdOf, sandboxOperator } from './operator-id.ts'
import { createGround, type Ground } from './trigger-ground.ts'
import { recipes } from './trigger-recipes.ts'

export interface TriggerOptions extends OutputOptions {
  operator?: string
  override: Record<string, string>
  list?: boolean
}

/** How long what was asked for may take to come about. */
const PATIENCE_S = 30
const WATCH_MAX_MS = 20_000
const ENVIRONMENTS = ['sandbox', 'development']

export async function trigger(tools: AdminTools, name: string | undefined, options: TriggerOptions): Promise<void> {
  if (options.list || name === undefined) return printRecipes(options)
  const recipe = recipes.get(name)
  if (!recipe) {
    throw new CliError(EXIT.usage, `nothing makes ${name} happen`, `There are: ${[...recipes.keys()].join(', ')}`)
  }
  await tools.withSession(async (session) => {
    const after = await positionNow(session)
    const requests: string[] = []
    const { operatorId, message } = await asOperator(tools, session, options, async (operatorId, key) => {
      const ground = groundOf(tools, session, key, options, (line) => {
        requests.push(line)
        if (!options.json) remark(colours.dim(line))
      })
      if (key !== undefined) await untilKnown(ground)
      await refuseElsewhere(ground)
      await recipe.make(ground)
      return { operatorId, message: await seen(tools, session, { operatorId, eventType: name, after }) }
    })
    const body: unknown = JSON.parse(message.body)
    show({ event: name, event_id: message.id, operator_id: operatorId, requests, body }, options, () =>
      [`${colours.green(name)} [${message.id}]`, JSON.stringify(body, null, 2)].join('\n'),
    )
  })
}

function printRecipes(options: TriggerOptions): void {
  const rows = [...recipes].map(([event, { says }]) => [event, says])
  const value = rows.map(([event, how]) => ({ event, how }))
  list(value, options, ['event', { name: 'how it comes about', least: 30 }], rows, '')
}

/** Runs the work as the operator: with the sandbox operator's key, or with one that is made for it and revoked after it. */
async function asOperator<T>(
  tools: AdminTools,
  session: AdminSession,
  options: TriggerOptions,
  work: (operatorId: string, key: string | undefined) => Promise<T>,
): Promise<T> {
  const { bus, context } = session
  if (options.operator === undefined) {
    return work(sandboxOperator(tools).operator_id, undefined)
  }
  const operatorId = await operatorIdOf(session, options.operator)
  const state = await bus.load(operator, operatorId)
  if (state.status === 'absent') throw new CliError(EXIT.refused, `there is no operator ${options.operator}`)
  if (!ENVIRONMENTS.includes(state.facts.environment)) throw notHere(state.facts.environment)
  const { key, keyId, keyHash } = generateApiKey(state.facts.environment)
  const facts = { keyId, keyHash, scopes: [...apiScope.options], label: 'opslog trigger' }
  const issued = context()
  const keysMax = tools.settings(noctantSettings).API_KEYS_PER_OPERATOR_MAX
  await bus.handle(operator, operatorId, { kind: 'issueKey', key: facts, keysMax, at: issued.at }, issued)
  try {
    return await work(operatorId, key)
  } finally {
    const revoked = context()
    const command = { kind: 'revokeKey', keyId, reason: 'the event was triggered', sparesDescendants: false } as const
    await bus.handle(operator, operatorId, { ...command, at: revoked.at }, revoked)
  }
}

const notHere = (environment: string) =>
  new CliError(EXIT.refused, `nothing is made up in ${environment}`, 'Name an operator of a sandbox: --operator.')

/** The instance knows a new key, and its operator, once it has followed the log so far. */
const untilKnown = ({ story }: Ground) =>
  poll(
    () => story.operator.GET('/v1/me'),
    ({ response }) => response.status !== 401 && response.status !== 404,
    story.waits,
  )

async function refuseElsewhere({ story, accepted }: Ground): Promise<void> {
  const { environment } = (await accepted(story.operator.GET('/v1/me'))).operator
  if (!ENVIRONMENTS.includes(environment)) throw notHere(environment)
}

/** With clients that show their requests, and put the overrides into the bodies that have such a member. */
function groundOf(
  tools: AdminTools,
  session: AdminSession,
  key: string | undefined,
  { override }: TriggerOptions,
  say: (line: string) => void,
): Ground {
  const setting = { limits: demoLimits, waits: demoWaits(PATIENCE_S), checks: createChecklist(), tools }
  const story = begin({ ...setting, given: key === undefined ? {} : { key } })
  story.operator.use({
    async onRequest({ request }) {
      if (request.method === 'GET' || request.body === null) return undefined
      return new Request(request, { body: JSON.stringify(overridden(await request.clone().json(), override)) })
    },
    onResponse({ request: { method, url }, response: { status } }) {
      const { pathname, search } = new URL(url)
      if (method !== 'GET') say(`${method} ${pathname}${search} → ${status}`)
    },
  })
  const trader: Call = async (method, path, body, headers) => {
    const answer = await story.trader(method, path, overridden(body, override), headers)
    if (method !== 'GET') say(`${method} order entry ${path} → ${answer.status}`)
    return answer
  }
  return createGround(tools, session, { ...story, trader })
}

/** The body with the members at these paths replaced, where it has them. Text that is JSON counts as that. */
export function overridden(body: unknown, override: Readonly<Record<string, string>>): unknown {
  if (typeof body !== 'object' || body === null) return body
  const copy: Record<string, unknown> = structuredClone(body) as Record<string, unknown>
  for (const [path, text] of Object.entries(override)) {
    const names = path.split('.')
    const last = names.pop() ?? ''
    const parent = names.reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), copy)
    if (isObject(parent) && last in parent) parent[last] = typeof parent[last] === 'string' ? text : JSON.parse(text)
  }
  return copy
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** The event as webhooks tell it. Throws CliError where it does not come in time. */
async function seen(
  tools: AdminTools,
  session: AdminSession,
  { operatorId, eventType, after }: { operatorId: string; eventType: string; after: bigint | undefined },
): Promise<Message> {
  const found = Promise.withResolvers<Message>()
  const ending = new AbortController()
  const following = followWebhooks(tools, session, {
    operatorId,
    after,
    signal: ending.signal,
    onMessage: async (message) => {
      if (message.eventType === eventType) found.resolve(message)
    },
  })
  const message = await within(WATCH_MAX_MS, Promise.race([found.promise, following.then(() => undefined)]), undefined)
  ending.abort()
  await following
  if (message) return message
  throw new CliError(EXIT.refused, `${eventType} did not come about within ${WATCH_MAX_MS / 1_000} s`)
}
