/** What was given up: commands to the engine, and webhooks. Each can be tried again, or left as it is for good. */
import { html } from 'hono/html'
import { isUuid } from '../../../events/uuid.ts'
import { deadCommands, deadWebhooks, findDeadCommand } from '../../../processes/noctant/dead-letters.ts'
import type { AccountCommandRow } from '../../../projections/noctant/account-command.ts'
import type { WebhookAttemptRow } from '../../../projections/noctant/webhook.ts'
import type { Asked, Markup, Shown } from '../../pages/declaration.ts'
import { requestMarkup } from '../../pages/list.ts'
import { fieldsOf, link, live, onRecord, pathOf, said, section, shortId, time } from '../../pages/markup.ts'
import { rowsTable } from '../../pages/table.ts'
import type { NoctantParts } from '../access.ts'

type Noctant = Asked<NoctantParts>

/** Of each kind; what lies behind is on the command line. */
const SHOWN_MAX = 200

const commandTable = (rows: readonly AccountCommandRow[]): Markup =>
  rowsTable(
    'Commands',
    rows,
    'No command was given up.',
    [
      { name: 'command_id', label: 'Command', show: ({ command_id }) => shortId(command_id) },
      { name: 'command_type', label: 'What', show: ({ command_type }) => command_type ?? '' },
      { name: 'dead_letter_reason', label: 'Why', show: (each) => said(each.dead_letter_reason ?? '') },
      { name: 'attempts', label: 'Sent', isFigure: true, show: ({ attempts }) => `${attempts ?? ''}` },
      { name: 'dead_lettered_at', label: 'Given up', show: ({ dead_lettered_at }) => time(dead_lettered_at) },
    ],
    ({ command_id }) => pathOf('dead-letters', command_id),
  )

const webhookTable = (rows: readonly WebhookAttemptRow[]): Markup =>
  rowsTable(
    'Webhooks',
    rows,
    'No webhook was given up.',
    [
      { name: 'event_id', label: 'Event', show: ({ event_id }) => shortId(event_id) },
      { name: 'event_type', label: 'Type', show: ({ event_type }) => event_type },
      { name: 'error_message', label: 'Why', show: ({ error_message }) => said(error_message ?? '') },
      { name: 'attempt_number', label: 'Attempts', isFigure: true, show: (each) => `${each.attempt_number}` },
      { name: 'finished_at', label: 'Given up', show: ({ finished_at }) => time(finished_at) },
    ],
    ({ event_id }) => pathOf('dead-letters', event_id),
  )

export async function showDeadLetters(asked: Noctant): Promise<Shown> {
  const { db } = asked.parts
  const letters = async () => {
    const [commands, webhooks] = [await deadCommands(db, false, SHOWN_MAX), await deadWebhooks(db, null, SHOWN_MAX)]
    return html`${section('Commands', commandTable(commands))}${section('Webhooks', webhookTable(webhooks))}`
  }
  return {
    content: html`${live(asked, 'letters', await letters())}${requestMarkup(asked, { command: 'opslog dead-letters list' })}`,
    parts: { letters },
  }
}

export interface Letter {
  id: string
  command: AccountCommandRow | undefined
  webhooks: readonly WebhookAttemptRow[]
}

/** The letter that is still to be dealt with. */
export async function letterIn({ parts: { db }, params }: Noctant): Promise<Letter | undefined> {
  const id = (params.id ?? '').toLowerCase()
  if (!isUuid(id)) return undefined
  const found = await findDeadCommand(db, id)
  const command = found?.discarded_at === null ? found : undefined
  const webhooks = command ? [] : await deadWebhooks(db, id, SHOWN_MAX)
  return command || webhooks.length > 0 ? { id, command, webhooks } : undefined
}

/** What has been dealt with is a command or a webhook like others. */
export async function showDeadLetter(asked: Noctant): Promise<Shown | undefined> {
  const letter = await letterIn(asked)
  if (!letter) return undefined
  const { id, command, webhooks } = letter
  const [webhook] = webhooks
  const toThing = command
    ? link('Show the command', pathOf('commands', id))
    : link('Show all attempts', pathOf('webhooks', id))
  return {
    title: command
      ? `Command ${command.command_type ?? id} was given up`
      : `Webhook ${webhook?.event_type} was given up`,
    content: html`${fieldsOf(command ?? webhook ?? {}, {}, ['request'])}<p class="tools">${toThing}</p>${onRecord(id)}`,
  }
}
