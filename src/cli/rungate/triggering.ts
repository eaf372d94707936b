/**
 * `opslog rungate trigger`: makes an event happen by the requests that lead to it, and waits until the log has it. The requests are
 * shown as they go.
 */
import { randomBytes } from 'node:crypto'
import { within } from '../../runtime/within.ts'
import type { AdminTools } from '../admin-tools.ts'
import type { Message } from '../forwarding.ts'
import { list, type OutputOptions } from '../table-output.ts'
import { CliError, colours, EXIT, remark, show } from '../terminal.ts'
import { watch } from './listening.ts'
import { createGround } from './trigger-ground.ts'
import { recipes } from './trigger-recipes.ts'

export interface TriggerOptions extends OutputOptions {
  token?: string
  list?: boolean
}

/** How long what was asked for may take to be in the log. */
const WATCH_MAX_MS = 20_000

export async function trigger(tools: AdminTools, name: string | undefined, options: TriggerOptions): Promise<void> {
  if (options.list || name === undefined) return printRecipes(options)
  const recipe = recipes.get(name)
  if (!recipe) {
    throw new CliError(EXIT.usage, `nothing makes ${name} happen`, `There are: ${[...recipes.keys()].join(', ')}`)
  }
  const { api } = tools.running()
  if (!api) throw new CliError(EXIT.unreachable, 'the running instance has no API', 'Run one with the api role.')
  await tools.withSession(async (session) => {
    const requests: string[] = []
    const say = (line: string) => {
      requests.push(line)
      if (!options.json) remark(colours.dim(line))
    }
    const run = `${Date.now().toString(36)}-${randomBytes(3).toString('hex')}`
    const ground = await createGround({ url: api.url, token: options.token, run, say })
    const ending = new AbortController()
    try {
      const found = Promise.withResolvers<Message>()
      const watching = watch(tools, session, {
        ...{ accountId: ground.accountId, after: (await session.store.head())?.position, signal: ending.signal },
        onMessage(message) {
          if (message.eventType === name) found.resolve(message)
        },
      })
      await recipe.make(ground)
      const message = await within(WATCH_MAX_MS, found.promise, undefined)
      ending.abort()
      await watching
      if (!message) throw new CliError(EXIT.refused, `${name} did not come about within ${WATCH_MAX_MS / 1_000} s`)
      const body: unknown = JSON.parse(message.body)
      show({ event: name, event_id: message.id, account_id: ground.accountId, requests, body }, options, () =>
        [`${colours.green(name)} [${message.id}]`, JSON.stringify(body, null, 2)].join('\n'),
      )
    } finally {
      ending.abort()
      await ground.close()
    }
  })
}

function printRecipes(options: TriggerOptions): void {
  const rows = [...recipes].map(([event, { says }]) => [event, says])
  const value = rows.map(([event, how]) => ({ event, how }))
  list(value, options, ['event', { name: 'how it comes about', least: 30 }], rows, '')
}
