/**
 * What noctant has given up, and what can be done about it. A command to the engine is sent again by the relay
 * once its stream says so; a webhook is delivered again as a replay of its one event, under the same webhook-id.
 */
import { sql } from 'kysely'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { webhookDelivery } from '../../commands/noctant/webhook-delivery.ts'
import { deliverableEndpoint } from '../../commands/noctant/webhook-endpoint.ts'
import { webhookReplay } from '../../commands/noctant/webhook-replay.ts'
import { WEBHOOK_TEST } from '../../commands/noctant/webhook-test.ts'
import { type EventStore, WrongExpectedRevision } from '../../events/store.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { AccountCommandRow } from '../../projections/noctant/account-command.ts'
import { noctantTables } from '../../projections/noctant/tables.ts'
import type { WebhookAttemptRow } from '../../projections/noctant/webhook.ts'
import { commandStream } from './relay.ts'

/** Why nothing was done: a sentence without its full stop, and what to do instead. */
export class NotSettled extends Error {
  override name = 'NotSettled'
  readonly whatToDo: string

  constructor(message: string, whatToDo: string) {
    super(message)
    this.whatToDo = whatToDo
  }
}

const deadCommandsIn = (db: ReadModels) =>
  noctantTables(db).selectFrom('noctant_account_commands').selectAll().where('status', '=', 'dead_lettered')

/** The newest first. `withDiscarded`: those that nothing more is to be done about too. */
export const deadCommands = (db: ReadModels, withDiscarded: boolean, limit: number): Promise<AccountCommandRow[]> =>
  deadCommandsIn(db)
    .$if(!withDiscarded, (query) => query.where('discarded_at', 'is', null))
    .orderBy('dead_lettered_at', 'desc')
    .limit(limit)
    .execute()

export const findDeadCommand = (db: ReadModels, commandId: string): Promise<AccountCommandRow | undefined> =>
  deadCommandsIn(db).where('command_id', '=', commandId).executeTakeFirst()

/**
 * Last attempts of deliveries that were given up, refused or met a gone endpoint, where no replay has got through since.
 * `eventId`: of one event; null: of all, the newest first.
 */
export async function deadWebhooks(
  db: ReadModels,
  eventId: string | null,
  limit: number,
): Promise<WebhookAttemptRow[]> {
  const { rows } = await sql<WebhookAttemptRow>`SELECT d.* FROM noctant_webhook_deliveries d
    JOIN noctant_webhook_dead_letters l
      ON l.operator_id = d.operator_id AND l.event_id = d.event_id AND l.since = d.finished_at
    WHERE d.status IN ('dead_letter', 'permanent_fail') AND (${eventId}::uuid IS NULL OR d.event_id = ${eventId}::uuid)
    ORDER BY d.finished_at DESC LIMIT ${limit}`.execute(db)
  return rows
}

export type Settlement = 'noctant.EngineCommandRetryRequested.v1' | 'noctant.EngineCommandDiscarded.v1'

/** Why the command is not sent again; undefined: it can be. */
export const retryObstacle = ({ command_type }: AccountCommandRow): NotSettled | undefined =>
  command_type === 'execute_payout'
    ? new NotSettled(
        'the debit of a payout that has failed is not sent again',
        'Its payout counts as failed, and what was reserved is free again: request the payout anew.',
      )
    : undefined

/** Appends to the command's stream, where the relay reads it. Throws NotSettled where that has moved on meanwhile. */
export async function settleCommand(
  store: Pick<EventStore, 'readLast' | 'append'>,
  { command_id: commandId, account_id: accountId }: AccountCommandRow,
  type: Settlement,
  reason: string | null,
  { at, actor, requestId, correlationId }: CommandContext,
): Promise<void> {
  const last = await store.readLast(commandStream(commandId))
  if (!last || last.type === 'noctant.EngineCommandRetryRequested.v1' || last.type === type)
    throw new NotSettled('that was asked for already', 'opslog dead-letters show tells where it stands.')
  const data = { commandId, accountId, reason, occurredAt: at }
  const cause = { $correlationId: correlationId, $causationId: last.id, actor, requestId, commandId }
  const id = deterministicId('engineCommand', commandId, String(last.revision + 1n), type)
  try {
    await store.append(commandStream(commandId), last.revision, last.metadata.hash, [
      { id, event: { type, data }, cause },
    ])
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error
    throw new NotSettled('the command has moved on meanwhile', 'Look at it again.')
  }
}

interface Settling {
  bus: CommandBus
  db: ReadModels
  /** Of each command that this gives. */
  context: () => CommandContext
}

/** Of each operator whom the event did not reach, the delivery that was given up last stays so. */
export async function discardWebhooks(
  { bus, db, context }: Settling,
  eventId: string,
  reason: string | null,
): Promise<void> {
  const letters = noctantTables(db)
    .selectFrom('noctant_webhook_dead_letters')
    .selectAll()
    .where('event_id', '=', eventId)
  for (const { delivery_id: deliveryId } of await letters.execute()) {
    const circumstances = context()
    await bus.handle(webhookDelivery, deliveryId, { kind: 'discard', reason, at: circumstances.at }, circumstances)
  }
}

/** One replay for each operator to whom the event did not get through. Throws NotSettled, and what the endpoint refuses. */
export async function replayWebhooks({ bus, db, context }: Settling, rows: readonly WebhookAttemptRow[]) {
  const replayed = []
  for (const [operatorId, [attempt]] of Map.groupBy(rows, ({ operator_id }) => operator_id)) {
    if (!attempt) continue
    await deliverableEndpoint(bus, operatorId)
    if (attempt.event_type === WEBHOOK_TEST) {
      throw new NotSettled('a test event is not sent again', 'Send another: opslog admin webhook test --help.')
    }
    const source = await noctantTables(db)
      .selectFrom('noctant_partner_events')
      .select(['event_id as eventId', 'source_stream as stream', 'source_revision as revision', 'created_at'])
      .where('event_id', '=', attempt.event_id)
      .executeTakeFirst()
    if (!source) {
      const message = `the event ${attempt.event_id} is not among those that are delivered`
      throw new NotSettled(message, 'Its delivery can be discarded.')
    }
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
    replayed.push({ operatorId, handled: await bus.handle(webhookReplay, replayId, command, circumstances) })
  }
  return replayed
}
