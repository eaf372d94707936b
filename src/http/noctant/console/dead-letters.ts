/** What was given up: commands to the engine, and webhooks. Each can be tried again, or left as it is for good. */
import { html } from 'hono/html'
import { deterministicId } from '../../../commands/identity.ts'
import { isUuid } from '../../../events/uuid.ts'
import {
  deadCommands,
  deadWebhooks,
  discardWebhooks,
  findDeadCommand,
  NotSettled,
  replayWebhooks,
  retryObstacle,
  settleCommand,
} from '../../../processes/noctant/dead-letters.ts'
import type { AccountCommandRow } from '../../../projections/noctant/account-command.ts'
import type { WebhookAttemptRow } from '../../../projections/noctant/webhook.ts'
import { Problem } from '../../errors.ts'
import type { Acting, ActionDeclaration, Asked, Markup, Prepared, Shown } from '../../pages/declaration.ts'
import { requestMarkup } from '../../pages/list.ts'
import { fieldsOf, link, live, onRecord, pathOf, said, section, shortId, time } from '../../pages/markup.ts'
import { rowsTable } from '../../pages/table.ts'
import type { NoctantParts } from '../access.ts'

type Noctant = Asked<NoctantParts>
type Action = ActionDeclaration<NoctantParts>

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

interface Letter {
  id: string
  command: AccountCommandRow | undefined
  webhooks: readonly WebhookAttemptRow[]
}

async function letterIn({ parts: { db }, params }: Noctant): Promise<Letter | undefined> {
  const id = (params.id ?? '').toLowerCase()
  if (!isUuid(id)) return undefined
  const command = await findDeadCommand(db, id)
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

const of = '/dead-letters/:id'
const audience = ['administrator'] as const

const nameOf = ({ id, command, webhooks }: Letter): string =>
  command ? `the command ${command.command_type ?? ''} ${id}` : `the webhook ${webhooks[0]?.event_type ?? ''} ${id}`

const about =
  (says: (letter: Letter) => Prepared) =>
  async (asked: Noctant): Promise<Prepared | undefined> => {
    const letter = await letterIn(asked)
    return letter && says(letter)
  }

/** Does it, in the words of pages where it cannot be done. */
async function settle(acting: Acting<NoctantParts>, what: 'retry' | 'discard'): Promise<Letter> {
  const letter = await letterIn(acting)
  if (!letter) throw new Error('the letter of an action was there a moment ago')
  const { parts, command: context } = acting
  const { bus, db, store } = parts
  const reason = acting.reason || null
  let given = 0
  /** Of each command that comes of the form, one that is the same where the form is sent again. */
  const contextOf = () => ({ ...context, commandId: deterministicId('settling', context.commandId, `${given++}`) })
  try {
    if (letter.command) {
      const obstacle = what === 'retry' ? retryObstacle(letter.command) : undefined
      if (obstacle) throw obstacle
      const type = what === 'retry' ? 'noctant.EngineCommandRetryRequested.v1' : 'noctant.EngineCommandDiscarded.v1'
      await settleCommand(store, letter.command, type, reason, context)
    } else if (what === 'retry') await replayWebhooks({ bus, db, context: contextOf }, letter.webhooks)
    else await discardWebhooks({ bus, db, context: contextOf }, letter.id, reason)
  } catch (error) {
    if (!(error instanceof NotSettled)) throw error
    throw new Problem<'action_impossible'>('action_impossible', `${sentence(error.message)} ${error.whatToDo}`)
  }
  return letter
}

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`

const retry: Action = {
  ...{ of, audience, name: 'retry', title: 'Retry', reason: 'optional' },
  prepare: about((letter) => {
    const obstacle = letter.command && retryObstacle(letter.command)
    return {
      says: html`<p>Sends ${nameOf(letter)} again, under the same id.</p>`,
      ...(obstacle ? { obstacle: `${sentence(obstacle.message)} ${obstacle.whatToDo}` } : {}),
    }
  }),
  async perform(acting) {
    const { id, command } = await settle(acting, 'retry')
    const to = command ? `/commands/${id}` : `/webhooks/${id}`
    return { message: 'It is sent again.', links: [['What comes of it', `/traces/${id}`]], to }
  },
}

const discard: Action = {
  ...{ of, audience, name: 'discard', title: 'Discard', reason: 'optional' },
  prepare: about((letter) => ({
    says: html`<p>Leaves ${nameOf(letter)} given up, and takes it off the list.</p>`,
    confirm: letter.id,
  })),
  async perform(acting) {
    await settle(acting, 'discard')
    return { message: 'It stays given up.', to: '/dead-letters' }
  },
}

export const deadLetterActions: readonly Action[] = [retry, discard]
