/** An operator of a stack with a webhook endpoint of its own that listens, and short ways to what the tests ask of it. */
import { randomUUID } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { setWebhookEndpoint, webhookEndpoint } from '../../src/commands/noctant/webhook-endpoint.ts'
import type { WebhookEndpointCommand } from '../../src/webhooks/endpoint.ts'
import { generateWebhookSecret, sealSecret } from '../../src/webhooks/secret.ts'
import type { Answer } from '../http/api.ts'
import { conforms } from '../http/conforms.ts'
import { eventually } from '../projections/support.ts'
import type { Stack, TestOperator } from './stack.ts'
import { type Received, type Receiver, startReceiver } from './webhook-receiver.ts'

/** Given to the stack in its environment, so that the tests can seal secrets as an administrator does. */
export const sealingKey = Buffer.alloc(32, 7)

/** What a stack's webhooks need to be tried within seconds. */
export const webhookEnvironment = {
  WEBHOOK_ALLOW_PRIVATE: 'true',
  WEBHOOK_SECRETS_KEY: sealingKey.toString('base64'),
  WEBHOOK_POLL_INTERVAL_MS: '40',
  WEBHOOK_RETRY_SCHEDULE_MS: '50,60,70,80',
  WEBHOOK_TIMEOUT_MS: '400',
  WEBHOOK_DRAIN_MS: '100',
}

export interface Subscriber {
  operator: TestOperator
  receiver: Receiver
  secret: string
  call(method: string, path: string, body?: unknown): Promise<Answer>
  /** Provisions a user: the shortest way to an event. */
  provision(externalId?: string): Promise<Answer>
  /** An administrator's command. */
  command(command: WebhookEndpointCommand): Promise<void>
  /** Every attempt, oldest first, of one event where it is named. */
  attempts(eventId?: string): Promise<Record<string, unknown>[]>
  /** Resolves with what was received once it is so much. */
  receives(count: number): Promise<Received[]>
  /** Another secret, sealed: what to show and what to keep. */
  newSecret(): { secret: string; kept: { secretId: string; sealed: string } }
}

/** Throws where the signature does not hold. */
export const verify = (secret: string, { body, headers }: Received): unknown =>
  new Webhook(secret).verify(body, headers as Record<string, string>)

export async function addSubscriber(
  stack: Stack,
  { eventTypes = null }: { eventTypes?: string[] | null } = {},
): Promise<Subscriber> {
  const [operator, receiver] = await Promise.all([stack.addOperator(), startReceiver()])
  const { operatorId } = operator
  const newSecret: Subscriber['newSecret'] = () => {
    const secret = generateWebhookSecret()
    const secretId = randomUUID()
    return { secret, kept: { secretId, sealed: sealSecret(secret, { endpointId: operatorId, secretId }, sealingKey) } }
  }
  const { secret, kept } = newSecret()
  const context = stack.adminContext()
  const set = { kind: 'set', operatorId, url: receiver.url, eventTypes, secret: kept, at: context.at } as const
  await setWebhookEndpoint(stack.bus, set, context)

  async function call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${stack.url}/noctant${path}`, {
      method,
      headers: { authorization: `Bearer ${operator.apiKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = { status: response.status, headers: response.headers, body: await response.json() }
    conforms(method, path.split('?')[0] ?? '', answer)
    return answer
  }

  return {
    operator,
    receiver,
    secret,
    call,
    newSecret,
    provision: (externalId = randomUUID()) => call('POST', '/v1/users', { external_id: externalId }),
    command: async (command) =>
      void (await stack.bus.handle(webhookEndpoint, operatorId, command, stack.adminContext())),
    async attempts(eventId) {
      const filter = eventId === undefined ? '' : `&event_id=${eventId}`
      const { body } = await call('GET', `/v1/webhooks/deliveries?limit=200${filter}`)
      return body.deliveries.toReversed()
    },
    receives: (count) =>
      eventually(() => {
        if (receiver.received.length < count) throw new Error(`${receiver.received.length} of ${count} received`)
        return receiver.received
      }),
  }
}
