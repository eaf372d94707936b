/**
 * `opslog dead-letters`: what was given up, and what to do about it. A command to the engine is sent again by the relay
 * once its stream says so; a webhook is delivered again as a replay of its one event, under the same webhook-id.
 */
import { sql } from 'kysely'
import { deterministicId } from '../commands/identity.ts'
import { webhookDelivery } from '../commands/noctant/webhook-delivery.ts'
import { deliverableEndpoint } from '../commands/noctant/webhook-endpoint.ts'
import { webhookReplay } from '../commands/noctant/webhook-replay.ts'
import { WrongExpectedRevision } from '../events/store.ts'
import { isUuid } from '../events/uuid.ts'
import { commandStream } from '../processes/noctant/relay.ts'
import type { AccountCommandRow } from '../projections/noctant/account-command.ts'
import { noctantTables } from '../projections/noctant/tables.ts'
import type { WebhookAttemptRow } from '../projections/noctant/webhook.ts'
import { type AdminSession, withAdminSession, written } from './admin-session.ts'
import { repeatedly, untilInterrupted } from './following.ts'
import { LISTED_MAX, type OutputOptions, list as printList, printSingly } from './table-output.ts'
import { CliError, EXIT, facts, show } from './terminal.ts'
import { isBeginning, wholeId } from './whole-id.ts'

export interface SettleOptions extends OutputOptions {
  reason?: string
}

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

export interface ListOptions extends OutputOptions {
  all?: boolean
  follow?: boolean
}

const HEAD = ['kind', 'id', 'type', 'reason', 'since']

interface GivenUp {
  value: AccountCommandRow | WebhookAttemptRow
  row: string[]
}

async function givenUp(session: AdminSession, options: ListOptions) {
  const commands = await deadCommands(session)
    .$if(!options.all, (query) => query.where('discarded_at', 'is', null))
    .orderBy('dead_lettered_at', 'desc')
    .limit(LISTED_MAX)
    .execute()
  return { commands, webhooks: await deadWebhooks(session, null) }
}

const listed = ({ commands, webhooks }: Awaited<ReturnType<typeof givenUp>>): GivenUp[] =>
  [
    ...commands.map((value) => ({
      value,
      row: ['command', value.command_id, value.command_type, value.dead_letter_reason, value.dead_lettered_at],
    })),
    ...webhooks.map((value) => ({
      value,
      row: ['webhook', value.event_id, value.event_type, value.error_message, value.finished_at],
    })),
  ].map(({ value, row }) => ({ value, row: row.map((cell) => cell ?? '') }))

export async function list(options: ListOptions): Promise<void> {
  await withAdminSession(async (session) => {
    if (options.follow) return follow(session, options)
    const found = await givenUp(session, options)
    printList(
      found,
      options,
      HEAD,
      listed(found).map(({ row }) => row),
      'nothing was given up',
    )
  })
}

/** What is given up already, the oldest first, then what comes, each once. */
async function follow(session: AdminSession, options: ListOptions): Promise<void> {
  const print = printSingly(options, HEAD)
  let before = new Set<string>()
  await untilInterrupted((signal) =>
    repeatedly(signal, async () => {
      const found = listed(await givenUp(session, options)).toSorted((a, b) => (a.row[4]! < b.row[4]! ? -1 : 1))
      for (const { value, row } of found) if (!before.has(row.join(' '))) print(value, row)
      before = new Set(found.map(({ row }) => row.join(' ')))
    }),
  )
}

type Found = { command: AccountCommandRow } | { webhooks: WebhookAttemptRow[] }

/** The id that begins so, of what was given up last. Throws CliError where there is none, or more than one. */
async function wholeOf(session: AdminSession, beginning: string): Promise<string> {
  if (!isBeginning(beginning)) throw new CliError(EXIT.usage, `${beginning} is not a UUID, nor 8 characters of one`)
  const found = listed(await givenUp(session, { all: true }))
  const whole = wholeId(
    beginning,
    found.map(({ row }) => row[1]!),
  )
  if (whole !== undefined) return whole
  throw new CliError(
    EXIT.refused,
    `nothing was given up under ${beginning}`,
    'opslog dead-letters list shows what was.',
  )
}

/** Throws CliError where nothing of this id was given up. */
async function find(session: AdminSession, id: string): Promise<Found> {
  const whole = isUuid(id) ? id : await wholeOf(session, id)
  const command = await deadCommands(session).where('command_id', '=', whole).executeTakeFirst()
  if (command) return { command }
  const webhooks = await deadWebhooks(session, whole)
  if (webhooks.length > 0) return { webhooks }
  throw new CliError(EXIT.refused, `nothing was given up under ${id}`, 'opslog dead-letters list shows what was.')
}

export async function display(id: string, options: OutputOptions): Promise<void> {
  await withAdminSession(async (session) => {
    const found = await find(session, id)
    const of = 'command' in found ? [found.command] : found.webhooks
    const lines = (row: object) =>
      facts(
        Object.entries(row).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
      )
    show('command' in found ? found.command : found.webhooks, options, () => of.map(lines).join('\n\n'))
  })
}

export async function retry(id: string, options: SettleOptions): Promise<void> {
  await withAdminSession(async (session) => {
    const found = await find(session, id)
    if ('webhooks' in found) return replay(session, found.webhooks, options)
    if (found.command.command_type === 'execute_payout') {
      const hint = 'Its payout counts as failed, and what was reserved is free again: request the payout anew.'
      throw new CliError(EXIT.refused, 'the debit of a payout that has failed is not sent again', hint)
    }
    await settle(session, found.command, 'noctant.EngineCommandRetryRequested.v1', options)
    show({ retried: id }, options, () => 'The relay sends it again.')
  })
}

export async function discard(id: string, options: SettleOptions): Promise<void> {
  await withAdminSession(async (session) => {
    const found = await find(session, id)
    if ('webhooks' in found) return discardWebhooks(session, found.webhooks[0]!.event_id, options)
    await settle(session, found.command, 'noctant.EngineCommandDiscarded.v1', options)
    show({ discarded: id }, options, () => 'It stays given up.')
  })
}

/** Of each operator whom the event did not reach, the delivery that was given up last. */
async function discardWebhooks(session: AdminSession, eventId: string, options: SettleOptions): Promise<void> {
  const { bus, db, context } = session
  const letters = noctantTables(db)
    .selectFrom('noctant_webhook_dead_letters')
    .selectAll()
    .where('event_id', '=', eventId)
  for (const { delivery_id: deliveryId } of await letters.execute()) {
    const circumstances = context()
    const command = { kind: 'discard', reason: options.reason ?? null, at: circumstances.at } as const
    await bus.handle(webhookDelivery, deliveryId, command, circumstances)
  }
  show({ discarded: eventId }, options, () => 'It stays given up.')
}

type Settlement = 'noctant.EngineCommandRetryRequested.v1' | 'noctant.EngineCommandDiscarded.v1'

/** Appends to the command's stream, where the relay reads it. Throws CliError where that has moved on meanwhile. */
async function settle(
  { store, context }: AdminSession,
  { command_id: commandId, account_id: accountId }: AccountCommandRow,
  type: Settlement,
  { reason = undefined }: SettleOptions,
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
  session: AdminSession,
  rows: readonly WebhookAttemptRow[],
  options: OutputOptions,
): Promise<void> {
  const { bus, db, context } = session
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
  show(replayed, options, () => 'It is delivered again.')
}
