/** What can be done about what was given up: one, or several at once, each tried again or left as it is for good. */
import { html } from 'hono/html'
import { deterministicId } from '../../../commands/identity.ts'
import {
  deadCommands,
  deadWebhooks,
  discardWebhooks,
  NotSettled,
  replayWebhooks,
  retryObstacle,
  settleCommand,
} from '../../../processes/noctant/dead-letters.ts'
import { accountCommands } from '../../../projections/noctant/account-command.ts'
import { deliveries } from '../../../projections/noctant/webhook.ts'
import { Problem } from '../../errors.ts'
import type { Acting, ActionDeclaration, Asked, Performed, Prepared } from '../../pages/declaration.ts'
import { rowsOf } from '../../pages/things.ts'
import type { NoctantParts } from '../access.ts'
import { type Letter, letterIn } from './dead-letters.ts'

type Noctant = Asked<NoctantParts>
type Action = ActionDeclaration<NoctantParts>
type What = 'retry' | 'discard'

/** That are dealt with by one form. */
const AT_ONCE_MAX = 200

const of = '/dead-letters/:id'
const audience = ['administrator'] as const

const SETTLED = 'It was dealt with already.'

const impossible = (says: string) => new Problem<'action_impossible'>('action_impossible', says)
const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`

const nameOf = ({ id, command, webhooks }: Letter): string =>
  command ? `the command ${command.command_type ?? ''} ${id}` : `the webhook ${webhooks[0]?.event_type ?? ''} ${id}`

/** Whether the id is that of a command or of a webhook that is no dead letter, or none any more. */
async function isKnown(asked: Noctant): Promise<boolean> {
  const id = (asked.params.id ?? '').toLowerCase()
  const commands = await rowsOf(asked, accountCommands, { at: 'accepted_at', of: ['command_id', id], limit: 1 })
  const attempts = await rowsOf(asked, deliveries, { at: 'finished_at', of: ['event_id', id], limit: 1 })
  return commands.length + attempts.length > 0
}

/** The letter that is still to be dealt with. Throws a Problem (409) where it was; undefined: there is no such thing. */
const about =
  (says: (letter: Letter) => Prepared) =>
  async (asked: Noctant): Promise<Prepared | undefined> => {
    const letter = await letterIn(asked)
    if (letter) return says(letter)
    return (await isKnown(asked)) ? { says: '', obstacle: SETTLED } : undefined
  }

/** Deals with one. Throws NotSettled where that cannot be. `contextOf` gives a command the same id at each try. */
async function settleOne({ parts, command: context, reason }: Acting<NoctantParts>, what: What, letter: Letter) {
  const { bus, db, store } = parts
  let given = 0
  const contextOf = () => ({
    ...context,
    commandId: deterministicId('settling', context.commandId, letter.id, `${given++}`),
  })
  if (!letter.command) {
    const settling = { bus, db, context: contextOf }
    if (what === 'retry') return void (await replayWebhooks(settling, letter.webhooks))
    return discardWebhooks(settling, letter.id, reason || null)
  }
  const obstacle = what === 'retry' ? retryObstacle(letter.command) : undefined
  if (obstacle) throw obstacle
  const type = what === 'retry' ? 'noctant.EngineCommandRetryRequested.v1' : 'noctant.EngineCommandDiscarded.v1'
  await settleCommand(store, letter.command, type, reason || null, context)
}

/** Waits until the read models know what was done, so that whoever does it again is told so. */
async function shown({ parts, runtime }: Acting<NoctantParts>): Promise<void> {
  const head = await parts.store.head('noctant.')
  if (head) await parts.waiter.waitFor(head.position, runtime.limits.readYourWritesWaitMs)
}

/** Does it, in the words of pages where it cannot be done. */
async function settle(acting: Acting<NoctantParts>, what: What): Promise<Letter> {
  const letter = await letterIn(acting)
  if (!letter) throw impossible(SETTLED)
  try {
    await settleOne(acting, what, letter)
  } catch (error) {
    if (!(error instanceof NotSettled)) throw error
    throw impossible(`${sentence(error.message)} ${error.whatToDo}`)
  }
  await shown(acting)
  return letter
}

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

/** Letters of one kind: `commands close_all`, `webhooks account.opened`. */
async function groupsIn({ parts: { db } }: Noctant): Promise<Map<string, Letter[]>> {
  const commands = await deadCommands(db, false, AT_ONCE_MAX)
  const webhooks = await deadWebhooks(db, null, AT_ONCE_MAX)
  const letters = [
    ...commands.map((command): Letter => ({ id: command.command_id, command, webhooks: [] })),
    ...[...Map.groupBy(webhooks, ({ event_id }) => event_id)].map(
      ([id, of]): Letter => ({ id, command: undefined, webhooks: of }),
    ),
  ]
  const kindOf = ({ command, webhooks: [webhook] }: Letter) =>
    command ? `commands ${command.command_type ?? 'unknown'}` : `webhooks ${webhook?.event_type}`
  return Map.groupBy(letters, kindOf)
}

/** The choice names the number of letters, so that what is confirmed is what is done. */
const choiceOf = (kind: string, count: number): string => `${count} ${kind}`

const several = (what: What, title: string, does: string): Action => ({
  ...{ of: '/dead-letters', audience, name: what, title, reason: 'required' },
  async prepare(asked) {
    const groups = [...(await groupsIn(asked))]
    const choices = groups.map(([kind, of]) => [choiceOf(kind, of.length), choiceOf(kind, of.length)] as const)
    return {
      says: html`<p>${does}, all of one kind at once, at most ${AT_ONCE_MAX}.</p>`,
      fields: [{ name: 'which', label: 'Which', kind: 'choice', choices, isRequired: true }],
      ...(groups.length === 0 ? { obstacle: 'Nothing was given up.' } : {}),
    }
  },
  async perform(acting): Promise<Performed> {
    const which = acting.form.get('which') ?? ''
    const groups = await groupsIn(acting)
    const found = [...groups].find(([kind, of]) => choiceOf(kind, of.length) === which)
    if (!found) throw impossible('Their number has changed meanwhile: look at it again.')
    const [kind, letters] = found
    const left: string[] = []
    for (const letter of letters) {
      try {
        await settleOne(acting, what, letter)
      } catch (error) {
        if (!(error instanceof NotSettled)) throw error
        left.push(`${letter.id.slice(0, 8)}: ${error.message}`)
      }
    }
    await shown(acting)
    const done = `${letters.length - left.length} ${kind} ${what === 'retry' ? 'are sent again' : 'stay given up'}.`
    const rest = left.length === 0 ? '' : ` ${left.length} were left: ${left.slice(0, 3).join('; ')}.`
    return { message: `${done}${rest}`, links: [['What came of it', `/history/${acting.command.commandId}`]] }
  },
})

export const deadLetterActions: readonly Action[] = [
  ...[retry, discard],
  several('retry', 'Retry several', 'Sends again what was given up'),
  several('discard', 'Discard several', 'Leaves given up what is, and takes it off the list'),
]
