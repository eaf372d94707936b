/**
 * What noctant has given up, and what can be done about it. A command to the engine is sent again by the relay
 * once its stream says so; a webhook is delivered again as a replay of its one event, under the same webhook-id.
 */
import { sql } from 'kysely'
import { deterministicId } from '../../commands/identity.ts'
import { webhookDelivery } from '../../commands/noctant/webhook-delivery.ts'
import { deliverableEndpoint } from '../../commands/noctant/webhook-endpoint.ts'
import { webhookReplay } from '../../commands/noctant/webhook-replay.ts'
import { WrongExpectedRevision } from '../../events/store.ts'
import { isUuid } from '../../events/uuid.ts'
import { commandStream } from '../../processes/noctant/relay.ts'
import type { AccountCommandRow } from '../../projections/noctant/account-command.ts'
import { noctantTables } from '../../projections/noctant/tables.ts'
import type { WebhookAttemptRow } from '../../projections/noctant/webhook.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import type { DeadLetter, DeadLetters, FoundLetter } from '../dead-letters-settling.ts'
import { LISTED_MAX } from '../table-output.ts'
import { CliError, EXIT } from '../terminal.ts'

const deadCommands = ({ db }: AdminSession) =>
  noctantTables(db).selectFrom('noctant_account_commands').selectAll().where('status', '=', 'dead_lettered')

/** Last attempts of deliveries that were given up, refused or met a gone endpoint, where no replay has got through since. */
async function deadWebhooks({ db }: AdminSession, eventId: string | null): Promise<WebhookAttemptRow[]> {
  const { rows } = await sql<WebhookAttemptRow>`SELECT d.* FROM noctant_webhook_deliveries d
    JOIN noctant_webhook_dead_letters l
      ON l.operator_id = d.operator_id AND l.event_id = d.event_id AND l.since = d.finished_at
    WHERE d.status IN ('dead_letter', 'permanent_fail') AND (${eventId}::uuid IS NULL OR d.event_id = ${eventId}::uuid)
    ORDER BY d.finished_at DESC LIMIT ${LISTED_MAX}`.execute(db)
  return rows
}

export const noctantDeadLetters: DeadLetters = {
  async list(session, all) {
    const commands = await deadCommands(session)
      .$if(!all, (query) => query.where('discarded_at', 'is', null))
      .orderBy('dead_lettered_at', 'desc')
      .limit(LISTED_MAX)
      .execute()
    const webhooks = await deadWebhooks(session, null)
    return { commands: commands.map(letterOfCommand), webhooks: webhooks.map(letterOfWebhook) }
  },
  async find(session, id, tools) {
    if (!isUuid(id)) return undefined
    const command = await deadCommands(session).where('command_id', '=', id).executeTakeFirst()
    if (command) return foundCommand(session, command)
    const webhooks = await deadWebhooks(session, id)
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

const foundCommand = (session: AdminSession, command: AccountCommandRow): FoundLetter => ({
  ...{ letters: [command], value: command },
  async retry(reason) {
    if (command.command_type === 'execute_payout') {
      const hint = 'Its payout counts as failed, and what was reserved is free again: request the payout anew.'
      throw new CliError(EXIT.refused, 'the debit of a payout that has failed is not sent again', hint)
    }
    await settle(session, command, 'noctant.EngineCommandRetryRequested.v1', reason)
    return [{ retried: command.command_id }, 'The relay sends it again.']
  },
  async discard(reason) {
    await settle(session, command, 'noctant.EngineCommandDiscarded.v1', reason)
    return [{ discarded: command.command_id }, 'It stays given up.']
  },
})

const foundWebhooks = (
  session: AdminSession,
  webhooks: readonly WebhookAttemptRow[],
  { written }: AdminTools,
): FoundLetter => ({
  letters: webhooks,
  retry: async () => [await replay(session, webhooks, written), 'It is delivered again.'],
  async discard(reason) {
    const eventId = webhooks[0]!.event_id
    await discardWebhooks(session, eventId, reason)
    return [{ discarded: eventId }, 'It stays given up.']
  },
})

/** Of each operator whom the event did not reach, the delivery that was given up last. */
async function discardWebhooks(
  { bus, db, context }: AdminSession,
  eventId: string,
  reason: string | undefined,
): Promise<void> {
  const letters = noctantTables(db)
    .selectFrom('noctant_webhook_dead_letters')
    .selectAll()
    .where('event_id', '=', eventId)
  for (const { delivery_id: deliveryId } of await letters.execute()) {
    const circumstances = context()
    const command = { kind: 'discard', reason: reason ?? null, at: circumstances.at } as const
    await bus.handle(webhookDelivery, deliveryId, command, circumstances)
  }
}

type Settlement = 'noctant.EngineCommandRetryRequested.v1' | 'noctant.EngineCommandDiscarded.v1'

/** Appends to the command's stream, where the relay reads it. Throws CliError where that has moved on meanwhile. */
async function settle(
  { store, context }: AdminSession,
  { command_id: commandId, account_id: accountId }: AccountCommandRow,
  type: Settlement,
  reason: string | undefined,
): Promise<void> {
  const last = await store.readLast(commandStream(commandId))
  if (!last || last.type === 'noctant.EngineCommandRetryRequested.v1' || last.type === type) {
    throw new CliError(EXIT.refused, 'that was asked for already', 'opslog dead-letters show tells where it stands.')
  }
  const { at, actor, requestId, correlationId } = context()
  const data = { commandId, accountId, reason: reason ?? null, occurredAt: at }
  const cause = { $correlationId: correlationId, $causationId: last.id, actor, requestId, commandId }
  const id = deterministicId('engineCommand', commandId, String(last.revision + 1n), type)
  try {
    await store.append(commandStream(commandId), last.revision, last.metadata.hash, [
      { id, event: { type, data }, cause },
    ])
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error
    throw new CliError(EXIT.refused, 'the command has moved on meanwhile', 'Look at it again.')
  }
}

/** One replay for each operator to whom the event did not get through. */
async function replay(
  { bus, db, context }: AdminSession,
  rows: readonly WebhookAttemptRow[],
  written: AdminTools['written'],
): Promise<object[]> {
  const replayed: object[] = []
  for (const [operatorId, [attempt]] of Map.groupBy(rows, ({ operator_id }) => operator_id)) {
    if (!attempt) continue
    await deliverableEndpoint(bus, operatorId)
    const source = await noctantTables(db)
      .selectFrom('noctant_partner_events')
      .select(['event_id as eventId', 'source_stream as stream', 'source_revision as revision', 'created_at'])
      .where('event_id', '=', attempt.event_id)
      .executeTakeFirst()
    if (!source) throw new CliError(EXIT.refused, `the event ${attempt.event_id} is not among those that are delivered`)
    const { created_at: from, ...reference } = source
    const circumstances = context()
    const replayId = circumstances.commandId
    const facts = {
      replayId,
      operatorId,
      from,
      to: new Date(Date.parse(from) + 1).toISOString(),
      eventTypes: [attempt.event_type],
      externalAccountId: null,
      limit: 1,
      sources: [{ ...reference, revision: String(reference.revision) }],
    }
    const command = { kind: 'request', facts, at: circumstances.at } as const
    replayed.push({
      operator_id: operatorId,
      ...written(await bus.handle(webhookReplay, replayId, command, circumstances)),
    })
  }
  return replayed
}
