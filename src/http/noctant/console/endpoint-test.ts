/** Trying an endpoint: a test event is sent to it, and what came of it stands among the last attempts. */
import { html } from 'hono/html'
import { webhookEndpoint } from '../../../commands/noctant/webhook-endpoint.ts'
import { requestWebhookTest, WEBHOOK_TEST } from '../../../commands/noctant/webhook-test.ts'
import { deliveries, type WebhookEndpointRow } from '../../../projections/noctant/webhook.ts'
import { type ActionDeclaration, type Asked, type Markup, tenantOf } from '../../pages/declaration.ts'
import { cameOf, pathOf, said, shortId, state, time } from '../../pages/markup.ts'
import { figure, rowsTable } from '../../pages/table.ts'
import { rowsOf } from '../../pages/things.ts'
import type { NoctantParts } from '../access.ts'

/** One screen of them; the rest stands under Webhooks. */
const ATTEMPTS_SHOWN_MAX = 10

/** The last attempts to deliver to it, the newest first. */
export async function lastAttempts(asked: Asked<NoctantParts>, operatorId: string): Promise<Markup> {
  const of = { at: 'finished_at', of: ['operator_id', operatorId], limit: ATTEMPTS_SHOWN_MAX } as const
  return rowsTable('Last attempts', await rowsOf(asked, deliveries, of), 'Nothing was sent to it yet.', [
    { name: 'event_id', label: 'Event', show: (row) => shortId(row.event_id, pathOf('webhooks', row.event_id)) },
    { name: 'event_type', label: 'Type', show: ({ event_type }) => event_type },
    figure('attempt_number', 'Attempt', ({ attempt_number }) => attempt_number),
    { name: 'status', label: 'Status', show: ({ status }) => state(status) },
    figure('response_status', 'Answered', ({ response_status }) => response_status),
    { name: 'error_message', label: 'Why', show: ({ error_message }) => said(error_message ?? '') },
    { name: 'finished_at', label: 'Finished', show: ({ finished_at }) => time(finished_at) },
  ])
}

type EndpointIn = (asked: Asked<NoctantParts>) => Promise<WebhookEndpointRow | undefined>

/** Of the viewer's own, or of any where an administrator looks. */
export const sendTest = (of: string, endpointIn: EndpointIn): ActionDeclaration<NoctantParts> => ({
  ...{ of, name: 'send-test', title: 'Send test event', audience: ['administrator', 'operator'] },
  scopes: ['webhooks:replay'],
  async prepare(asked) {
    const row = await endpointIn(asked)
    if (!row) return undefined
    const signing = await signingSecrets(asked, row.operator_id)
    return {
      says: html`<p>Sends 1 event of the type ${WEBHOOK_TEST} to ${said(row.url_origin ?? 'the endpoint')}, signed with ${
        signing === 1 ? '1 secret' : `${signing} secrets`
      }. It tells of nothing that happened. Where it does not arrive it is tried again like any other,
${asked.parts.endpoints.attemptsMax} times in all.</p>`,
      ...(row.enabled === false ? { obstacle: 'The endpoint is disabled: enable it before sending to it.' } : {}),
    }
  },
  async perform(acting) {
    const { parts, params, command, runtime, viewer } = acting
    const operatorId = tenantOf(viewer) ?? (params.id ?? '').toLowerCase()
    const { position } = await requestWebhookTest(parts.bus, operatorId, command)
    if (position !== undefined) await parts.waiter.waitFor(position, runtime.limits.readYourWritesWaitMs)
    return {
      message: 'The test event is on its way: its attempt stands here as soon as it is made.',
      links: [cameOf(command.commandId)],
    }
  },
})

/** Those that sign what is sent now. */
async function signingSecrets({ parts, now }: Asked<NoctantParts>, operatorId: string): Promise<number> {
  const known = await parts.bus.current(webhookEndpoint, operatorId)
  if (known.status === 'absent' || known.status === 'deleted') return 0
  return known.secrets.filter(({ validUntil }) => validUntil === null || Date.parse(validUntil) > now.getTime()).length
}
