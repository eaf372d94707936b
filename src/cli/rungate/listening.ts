/** `opslog rungate listen`: an account's webhooks on one's own machine. It follows the log, so it works without a webhook. */
import type { Recorded } from '../../events/event.ts'
import { publishedEvents } from '../../events/rungate/published.ts'
import { webhookDeliveryEvents, webhookEventType } from '../../events/rungate/webhook.ts'
import { isPoison } from '../../events/subscription.ts'
import { agentOf, payloadOf, personalOwnerOf, publishedIdOf } from '../../processes/rungate/webhook-payload.ts'
import { sign } from '../../processes/rungate/webhooks.ts'
import { generateWebhookSecret } from '../../webhooks/secret.ts'
import { publishedEventsOf } from '../../webhooks/telling.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import { untilInterrupted } from '../following.ts'
import { createForwarder, type Message, sayTimed as say } from '../forwarding.ts'
import type { ShownWebhooks } from '../forwarding-options.ts'
import { CliError, colours, EXIT } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'
import { existingAccount } from './tenant.ts'

export interface ListenOptions extends ShownWebhooks {
  account: string
  agent?: string
}

export async function listen(tools: AdminTools, options: ListenOptions): Promise<void> {
  const types: readonly string[] = webhookEventType.options
  const unknown = options.events?.find((type) => !types.includes(type))
  if (unknown !== undefined) {
    throw new CliError(EXIT.usage, `there is no event type ${unknown}`, `There are: ${types.join(', ')}`)
  }
  await tools.withSession(async (session) => {
    const accountId = await existingAccount(session, options.account)
    const agent = options.agent && (await wholeIdOf(session, identified.agent, options.agent))
    await untilInterrupted((signal) =>
      follow(tools, session, { accountId, options: { ...options, ...(agent && { agent }) }, signal }),
    )
  })
}

interface Following {
  accountId: string
  options: ListenOptions
  signal: AbortSignal
}

async function follow(tools: AdminTools, session: AdminSession, { accountId, options, signal }: Following) {
  const secret = options.secret ?? generateWebhookSecret()
  const { forwardTo } = options
  const forwarder =
    forwardTo === undefined ? undefined : createForwarder({ ...options, forwardTo, secret, sign, say, signal })
  let last = (await session.store.head())?.position
  if (!options.printJson) process.stdout.write(`signing secret ${secret}\n`)

  async function take(event: Recorded): Promise<void> {
    for await (const message of messagesOf(session, event, { accountId, ...options })) {
      if (options.printJson) process.stdout.write(`${message.body}\n`)
      else say(`--> ${colours.bold(message.eventType)} [${message.id}]`)
      await forwarder?.forward(message)
    }
  }
  try {
    await tools.followEvents(session, {
      ...{ name: 'listen', types: ['rungate.'], signal },
      from: () => last,
      async onBatch(events) {
        for (const event of events) {
          if (signal.aborted) return
          if (!isPoison(event)) await take(event)
          last = event.position
        }
      },
    })
  } finally {
    forwarder?.close()
  }
}

interface Watching {
  accountId: string
  /** The last position that is no news. */
  after: bigint | undefined
  signal: AbortSignal
  onMessage(message: Message): void
}

/** Tells what the account's webhooks are told of all that happens now, trials too. Resolves when the signal aborts. */
export const watch = (tools: AdminTools, session: AdminSession, { accountId, after, signal, onMessage }: Watching) => {
  let last = after
  return tools.followEvents(session, {
    ...{ name: 'watch', types: ['rungate.'], signal },
    from: () => last,
    async onBatch(events) {
      for (const event of events) {
        if (signal.aborted) return
        if (!isPoison(event)) {
          for await (const message of messagesOf(session, event, { accountId, events: undefined })) onMessage(message)
          const trial = trialOf(event, accountId)
          if (trial) onMessage(trial)
        }
        last = event.position
      }
    },
  })
}

/** What a webhook of the account is sent to try it: nothing but its delivery is in the log. */
function trialOf({ type, data }: Recorded, accountId: string): Message | undefined {
  if (type !== 'rungate.DeliveryRequested.v1' || data.accountId !== accountId) return undefined
  const { isTrial, eventId, eventType, body } = webhookDeliveryEvents[type].parse(data)
  return isTrial ? { id: eventId, eventType, body } : undefined
}

/** What the account's webhooks tell of an event. */
async function* messagesOf(
  { store, db }: AdminSession,
  event: Recorded,
  { accountId, agent, events: wanted }: Pick<ListenOptions, 'agent' | 'events'> & { accountId: string },
): AsyncIterable<Message> {
  if (event.data.accountId !== accountId) return
  const parts = { store, db }
  const published = publishedEventsOf(publishedEvents, event).filter(({ type }) => wanted?.includes(type) ?? true)
  if (published.length === 0 || (await personalOwnerOf(parts, event)) !== undefined) return
  if (agent !== undefined && (await agentOf(parts, event)) !== agent.toLowerCase()) return
  for (const each of published) {
    const body = await payloadOf(parts, event, each)
    if (body !== undefined) yield { id: publishedIdOf(event, each), eventType: each.type, body }
  }
}
