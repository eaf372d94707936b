/** What noctant has given up, as the command line shows it; what is done about it stands with the processes. */
import { isUuid } from '../../events/uuid.ts'
import {
  deadCommands,
  deadWebhooks,
  discardWebhooks,
  findDeadCommand,
  NotSettled,
  replayWebhooks,
  retryObstacle,
  type Settlement,
  settleCommand,
} from '../../processes/noctant/dead-letters.ts'
import type { AccountCommandRow } from '../../projections/noctant/account-command.ts'
import type { WebhookAttemptRow } from '../../projections/noctant/webhook.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import type { DeadLetter, DeadLetters, FoundLetter } from '../dead-letters-settling.ts'
import { LISTED_MAX } from '../table-output.ts'
import { CliError, EXIT } from '../terminal.ts'

export const noctantDeadLetters: DeadLetters = {
  async list({ db }, all) {
    const [commands, webhooks] = [await deadCommands(db, all, LISTED_MAX), await deadWebhooks(db, null, LISTED_MAX)]
    return { commands: commands.map(letterOfCommand), webhooks: webhooks.map(letterOfWebhook) }
  },
  async find(session, id, tools) {
    if (!isUuid(id)) return undefined
    const command = await findDeadCommand(session.db, id)
    if (command) return foundCommand(session, command)
    const webhooks = await deadWebhooks(session.db, id, LISTED_MAX)
    return webhooks.length === 0 ? undefined : foundWebhooks(session, webhooks, tools)
  },
}

const letterOfCommand = (value: AccountCommandRow): DeadLetter => ({
  ...{ kind: 'command', id: value.command_id, type: value.command_type },
  ...{ reason: value.dead_letter_reason, since: value.dead_lettered_at, value },
})

const letterOfWebhook = (value: WebhookAttemptRow): DeadLetter => ({
  ...{ kind: 'webhook', id: value.event_id, type: value.event_type },
  ...{ reason: value.error_message, since: value.finished_at, value },
})

/** Throws CliError where it could not be done. */
async function settled<T>(settling: () => Promise<T>): Promise<T> {
  try {
    return await settling()
  } catch (error) {
    if (error instanceof NotSettled) throw new CliError(EXIT.refused, error.message, error.whatToDo)
    throw error
  }
}

const foundCommand = ({ store, context }: AdminSession, command: AccountCommandRow): FoundLetter => {
  const settle = (type: Settlement, reason: string | undefined) =>
    settled(() => settleCommand(store, command, type, reason ?? null, context()))
  return {
    ...{ letters: [command], value: command },
    async retry(reason) {
      await settled(async () => {
        const obstacle = retryObstacle(command)
        if (obstacle) throw obstacle
      })
      await settle('noctant.EngineCommandRetryRequested.v1', reason)
      return [{ retried: command.command_id }, 'The relay sends it again.']
    },
    async discard(reason) {
      await settle('noctant.EngineCommandDiscarded.v1', reason)
      return [{ discarded: command.command_id }, 'It stays given up.']
    },
  }
}

const foundWebhooks = (
  session: AdminSession,
  webhooks: readonly WebhookAttemptRow[],
  { written }: AdminTools,
): FoundLetter => ({
  letters: webhooks,
  async retry() {
    const replayed = await settled(() => replayWebhooks(session, webhooks))
    const shown = replayed.map(({ operatorId, handled }) => ({ operator_id: operatorId, ...written(handled) }))
    return [shown, 'It is delivered again.']
  },
  async discard(reason) {
    const eventId = webhooks[0]!.event_id
    await discardWebhooks(session, eventId, reason ?? null)
    return [{ discarded: eventId }, 'It stays given up.']
  },
})
