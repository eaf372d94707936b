/**
 * What became of each command to the engine. Its facts come from three streams (account, relay, engine), whose events
 * meet in no fixed order: each sets columns of its own, and the status follows from which of them are set.
 */

import type { Recorded } from '../../events/event.ts'
import type { AccountEvent } from '../../events/noctant/account.ts'
import { type EngineEvent, engineEvents } from '../../events/noctant/engine.ts'
import type { EngineCommandEvent } from '../../events/noctant/engine-command.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { Prepared } from '../../postgres/queries.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, jsonb, text, time, uuid } from '../columns.ts'
import {
  type Change,
  columnsBut,
  defineProjection,
  defineTable,
  type HandlersOf,
  patch,
  type RowOf,
  type WrittenOf,
} from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

/** What the relay needs to send the command: the data of its EngineCommandRequested event. */
export type CommandRequest = Extract<AccountEvent, { type: 'noctant.EngineCommandRequested.v1' }>['data']
type Decided = Extract<EngineEvent, { type: 'noctant.EngineCommandDecided.v1' }>

export type CommandStatus = 'outbox_pending' | 'nats_published' | 'engine_wal_confirmed' | 'dead_lettered'

export const accountCommands = defineTable({
  name: 'noctant_account_commands',
  key: ['command_id'],
  columns: {
    command_id: uuid,
    /** Null, as what else the request says, until the request itself has been seen. */
    program_account_id: uuid.orNull,
    account_id: uuid.orNull,
    command_type: text.orNull,
    request: jsonb.of<CommandRequest>().orNull,
    accepted_at: time.orNull,
    nats_published_at: time.orNull,
    /** Publishes so far. */
    attempts: integer.orNull,
    last_sent_at: time.orNull,
    engine_wal_republish_count: integer.orNull,
    engine_wal_last_republished_at: time.orNull,
    engine_wal_event_id: uuid.orNull,
    engine_wal_event_type: text.orNull,
    engine_wal_confirmed_at: time.orNull,
    engine_command_outcome: text.of<Decided['data']['outcome']>().orNull,
    engine_command_outcome_at: time.orNull,
    engine_command_outcome_event_id: uuid.orNull,
    engine_command_outcome_reason: text.orNull,
    engine_command_outcome_reason_code: text.orNull,
    dead_lettered_at: time.orNull,
    dead_letter_reason: text.orNull,
    /** Nothing more is to be done about it; to the operator it stays a dead letter. */
    discarded_at: time.orNull,
  },
  generated: {
    // What the engine's log says outweighs what the relay believed.
    status: text.of<CommandStatus>().computed(`CASE
      WHEN engine_wal_confirmed_at IS NOT NULL THEN 'engine_wal_confirmed'
      WHEN dead_lettered_at IS NOT NULL THEN 'dead_lettered'
      WHEN nats_published_at IS NOT NULL THEN 'nats_published'
      ELSE 'outbox_pending' END`),
  },
  indexes: [
    '(program_account_id)',
    '(dead_lettered_at) WHERE dead_lettered_at IS NOT NULL',
    '((COALESCE(last_sent_at, accepted_at))) WHERE engine_wal_confirmed_at IS NULL AND dead_lettered_at IS NULL',
  ],
  createsOnPatch: true,
  writeOnce: ['nats_published_at', 'engine_wal_event_id', 'engine_wal_event_type', 'engine_wal_confirmed_at'],
})
export type AccountCommandRow = RowOf<typeof accountCommands>

const change = (commandId: string, values: Partial<Omit<WrittenOf<typeof accountCommands>, 'command_id'>>): Change =>
  patch(accountCommands, { command_id: commandId }, values)

/** `noctant.EngineOrderFilled.v1` → `OrderFilled`, the name that the engine's log has for it. */
const walEventType = (type: string): string => type.replace(/^noctant\.Engine/, '').replace(/\.v\d+$/, '')

/** The first event of the engine's log that a command caused is what the status view names. */
const caused = ({ id, type, data: { commandId, accountId } }: Recorded<EngineEvent>): Change[] => {
  if (commandId === null) return []
  const walEvent = { engine_wal_event_id: id, engine_wal_event_type: walEventType(type) }
  return [change(commandId, { account_id: accountId, ...walEvent })]
}

/** The decision ends what the engine's log holds of a command, so it confirms: nobody sees one without the other. */
const decided = (event: Recorded<Decided>): Change[] => [
  ...caused(event),
  change(event.data.commandId, {
    engine_wal_confirmed_at: event.data.occurredAt,
    engine_command_outcome: event.data.outcome,
    engine_command_outcome_at: event.data.occurredAt,
    engine_command_outcome_event_id: event.id,
    engine_command_outcome_reason: event.data.reason,
    engine_command_outcome_reason_code: event.data.reasonCode,
  }),
]

const causedByCommands = Object.fromEntries(
  Object.keys(engineEvents).map((type) => [type, caused]),
) as HandlersOf<EngineEvent>

export const accountCommandProjection = defineProjection<AccountEvent | EngineCommandEvent | EngineEvent>({
  name: 'noctant.accountCommand',
  version: 2,
  onPoison: 'park',
  tables: [accountCommands],
  handlers: {
    ...causedByCommands,
    'noctant.EngineCommandDecided.v1': decided,
    'noctant.EngineCommandRequested.v1': ({ data }) => [
      change(data.commandId, {
        ...snake(data, 'programAccountId', 'accountId'),
        command_type: data.order.kind,
        request: data,
        accepted_at: data.occurredAt,
      }),
    ],
    'noctant.EngineCommandPublished.v1': ({ data }) => [change(data.commandId, sent(data))],
    'noctant.EngineCommandRepublished.v1': ({ data }) => [
      change(data.commandId, { ...sent(data), engine_wal_last_republished_at: data.occurredAt }),
    ],
    'noctant.EngineCommandDeadLettered.v1': ({ data }) => [
      change(data.commandId, { dead_lettered_at: data.occurredAt, dead_letter_reason: data.reason }),
    ],
    'noctant.EngineCommandRetryRequested.v1': ({ data }) => [
      change(data.commandId, { dead_lettered_at: null, dead_letter_reason: null, discarded_at: null }),
    ],
    'noctant.EngineCommandDiscarded.v1': ({ data }) => [change(data.commandId, { discarded_at: data.occurredAt })],
  },
})

const sent = (data: { accountId: string; attempt: number; occurredAt: string }) => ({
  account_id: data.accountId,
  nats_published_at: data.occurredAt,
  last_sent_at: data.occurredAt,
  attempts: data.attempt + 1,
  engine_wal_republish_count: data.attempt,
})

/** What the contract's AccountCommandStatusView shows, but for the account's external id. */
export const commandViewColumns = columnsBut(
  accountCommands,
  ...(['program_account_id', 'request', 'attempts', 'last_sent_at', 'discarded_at'] as const),
)
type CommandView = Pick<AccountCommandRow, (typeof commandViewColumns)[number]>

/** The account, and the command's columns; those are null where the account has no such command. */
export type CommandOfAccount = { present_account_id: string } & (
  | (CommandView & { account_id: string })
  | { [Column in keyof CommandView]: null }
)

/**
 * A command of the operator's account, or undefined where there is no such account. One question for both, since whoever
 * waits for a command asks often.
 */
export const findCommand: Prepared<[string, string, string], CommandOfAccount> = preparedOne(
  (db, operatorId, externalAccountId, commandId) =>
    db
      .selectFrom('noctant_accounts as account')
      .leftJoin('noctant_account_commands as command', (join) =>
        join
          .on('command.command_id', '=', commandId)
          .onRef('command.program_account_id', '=', 'account.program_account_id'),
      )
      .select('account.account_id as present_account_id')
      .select(commandViewColumns.map((column) => `command.${column}` as const))
      .where('account.operator_id', '=', operatorId)
      .where('account.external_account_id', '=', externalAccountId)
      .$castTo<CommandOfAccount>(),
)

/** How many were given up that nobody has dealt with. */
export async function deadCommandCount(db: ReadModels): Promise<number> {
  const { count } = await noctantTables(db)
    .selectFrom('noctant_account_commands')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('status', '=', 'dead_lettered')
    .where('dead_lettered_at', 'is not', null)
    .where('discarded_at', 'is', null)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export interface UnconfirmedCommand {
  command_id: string
  account_id: string
  program_account_id: string
  status: 'outbox_pending' | 'nats_published'
  /** Publishes so far. */
  attempts: number
  accepted_at: string
  /** Null before the first publish. */
  last_sent_at: string | null
  request: CommandRequest
}

/**
 * Commands that the engine's log has not confirmed and nobody has given up on, last sent (or, before that, accepted)
 * earlier than `before`; the longest waiting first.
 */
export async function unconfirmedCommands(
  db: ReadModels,
  { before, limit }: { before: Date; limit: number },
): Promise<UnconfirmedCommand[]> {
  return noctantTables(db)
    .selectFrom('noctant_account_commands')
    .select(['command_id', 'account_id', 'program_account_id', 'status', 'accepted_at', 'last_sent_at', 'request'])
    .select(({ fn, val }) => fn.coalesce('attempts', val(0)).as('attempts'))
    .where('engine_wal_confirmed_at', 'is', null)
    .where('dead_lettered_at', 'is', null)
    .where('request', 'is not', null)
    .where(({ eb, fn }) => eb(fn.coalesce('last_sent_at', 'accepted_at'), '<', before.toISOString()))
    .orderBy(({ fn }) => fn.coalesce('last_sent_at', 'accepted_at'))
    .limit(limit)
    .$narrowType<Omit<UnconfirmedCommand, 'attempts'>>()
    .execute()
}

/** How many commands the engine has not confirmed yet, by their status; an index of its own finds them. */
export const unconfirmedCounts = (db: ReadModels): Promise<{ value: string; count: string }[]> =>
  noctantTables(db)
    .selectFrom('noctant_account_commands')
    .select(({ fn, ref }) => [ref('status').$castTo<string>().as('value'), fn.countAll<string>().as('count')])
    .where('engine_wal_confirmed_at', 'is', null)
    .where('dead_lettered_at', 'is', null)
    .groupBy('status')
    .orderBy('status')
    .execute()
