/**
 * What became of each command to the engine. Its facts come from three streams (account, relay, engine), whose events
 * meet in no fixed order: each sets columns of its own, and the status follows from which of them are set.
 */

import type { Recorded } from '../../events/event.ts'
import type { AccountEvent } from '../../events/noctant/account.ts'
import { type EngineEvent, engineEvents } from '../../events/noctant/engine.ts'
import type { EngineCommandEvent } from '../../events/noctant/engine-command.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { Prepared } from '../../postgres/prepared.ts'
import { type Change, defineProjection, defineTable, type HandlersOf, patch } from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

/** What the relay needs to send the command: the data of its EngineCommandRequested event. */
export type CommandRequest = Extract<AccountEvent, { type: 'noctant.EngineCommandRequested.v1' }>['data']
type Decided = Extract<EngineEvent, { type: 'noctant.EngineCommandDecided.v1' }>

export type CommandStatus = 'outbox_pending' | 'nats_published' | 'engine_wal_confirmed' | 'dead_lettered'

type CommandRow = {
  command_id: string
  /** Null, as what else the request says, until the request itself has been seen. */
  program_account_id: string | null
  account_id: string | null
  command_type: string | null
  request: CommandRequest | null
  accepted_at: string | null
  nats_published_at: string | null
  /** Publishes so far. */
  attempts: number | null
  last_sent_at: string | null
  engine_wal_republish_count: number | null
  engine_wal_last_republished_at: string | null
  engine_wal_event_id: string | null
  engine_wal_event_type: string | null
  engine_wal_confirmed_at: string | null
  engine_command_outcome: Decided['data']['outcome'] | null
  engine_command_outcome_at: string | null
  engine_command_outcome_event_id: string | null
  engine_command_outcome_reason: string | null
  engine_command_outcome_reason_code: string | null
  dead_lettered_at: string | null
  dead_letter_reason: string | null
  /** Nothing more is to be done about it; to the operator it stays a dead letter. */
  discarded_at: string | null
}

export type AccountCommandRow = CommandRow & { status: CommandStatus }

export const accountCommands = defineTable<CommandRow, 'command_id'>({
  name: 'noctant_account_commands',
  key: ['command_id'],
  columns: {
    command_id: 'uuid NOT NULL',
    program_account_id: 'uuid',
    account_id: 'uuid',
    command_type: 'text',
    request: 'jsonb',
    accepted_at: 'timestamptz(3)',
    nats_published_at: 'timestamptz(3)',
    attempts: 'integer',
    last_sent_at: 'timestamptz(3)',
    engine_wal_republish_count: 'integer',
    engine_wal_last_republished_at: 'timestamptz(3)',
    engine_wal_event_id: 'uuid',
    engine_wal_event_type: 'text',
    engine_wal_confirmed_at: 'timestamptz(3)',
    engine_command_outcome: 'text',
    engine_command_outcome_at: 'timestamptz(3)',
    engine_command_outcome_event_id: 'uuid',
    engine_command_outcome_reason: 'text',
    engine_command_outcome_reason_code: 'text',
    dead_lettered_at: 'timestamptz(3)',
    dead_letter_reason: 'text',
    discarded_at: 'timestamptz(3)',
  },
  generated: {
    // What the engine's log says outweighs what the relay believed.
    status: `text GENERATED ALWAYS AS (CASE
      WHEN engine_wal_confirmed_at IS NOT NULL THEN 'engine_wal_confirmed'
      WHEN dead_lettered_at IS NOT NULL THEN 'dead_lettered'
      WHEN nats_published_at IS NOT NULL THEN 'nats_published'
      ELSE 'outbox_pending' END) STORED`,
  },
  indexes: [
    '(program_account_id)',
    '(dead_lettered_at) WHERE dead_lettered_at IS NOT NULL',
    '((COALESCE(last_sent_at, accepted_at))) WHERE engine_wal_confirmed_at IS NULL AND dead_lettered_at IS NULL',
  ],
  createsOnPatch: true,
  writeOnce: ['nats_published_at', 'engine_wal_event_id', 'engine_wal_event_type', 'engine_wal_confirmed_at'],
})

/** `noctant.EngineOrderFilled.v1` → `OrderFilled`, the name that the engine's log has for it. */
const walEventType = (type: string): string => type.replace(/^noctant\.Engine/, '').replace(/\.v\d+$/, '')

/** The first event of the engine's log that a command caused is what the status view names. */
const caused = (event: Recorded<EngineEvent>): Change[] => {
  const { commandId, accountId } = event.data
  if (commandId === null) return []
  return [
    patch(
      accountCommands,
      { command_id: commandId },
      {
        account_id: accountId,
        engine_wal_event_id: event.id,
        engine_wal_event_type: walEventType(event.type),
      },
    ),
  ]
}

/** The decision ends what the engine's log holds of a command, so it confirms: nobody sees one without the other. */
const decided = (event: Recorded<Decided>): Change[] => [
  ...caused(event),
  patch(
    accountCommands,
    { command_id: event.data.commandId },
    {
      engine_wal_confirmed_at: event.data.occurredAt,
      engine_command_outcome: event.data.outcome,
      engine_command_outcome_at: event.data.occurredAt,
      engine_command_outcome_event_id: event.id,
      engine_command_outcome_reason: event.data.reason,
      engine_command_outcome_reason_code: event.data.reasonCode,
    },
  ),
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
      patch(
        accountCommands,
        { command_id: data.commandId },
        {
          program_account_id: data.programAccountId,
          account_id: data.accountId,
          command_type: data.order.kind,
          request: data,
          accepted_at: data.occurredAt,
        },
      ),
    ],
    'noctant.EngineCommandPublished.v1': ({ data }) => [
      patch(accountCommands, { command_id: data.commandId }, sent(data)),
    ],
    'noctant.EngineCommandRepublished.v1': ({ data }) => [
      patch(
        accountCommands,
        { command_id: data.commandId },
        { ...sent(data), engine_wal_last_republished_at: data.occurredAt },
      ),
    ],
    'noctant.EngineCommandDeadLettered.v1': ({ data }) => [
      patch(
        accountCommands,
        { command_id: data.commandId },
        { dead_lettered_at: data.occurredAt, dead_letter_reason: data.reason },
      ),
    ],
    'noctant.EngineCommandRetryRequested.v1': ({ data }) => [
      patch(
        accountCommands,
        { command_id: data.commandId },
        { dead_lettered_at: null, dead_letter_reason: null, discarded_at: null },
      ),
    ],
    'noctant.EngineCommandDiscarded.v1': ({ data }) => [
      patch(accountCommands, { command_id: data.commandId }, { discarded_at: data.occurredAt }),
    ],
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
export const commandViewColumns = [
  'command_id',
  'account_id',
  'command_type',
  'status',
  'accepted_at',
  'nats_published_at',
  'engine_wal_republish_count',
  'engine_wal_last_republished_at',
  'engine_wal_event_id',
  'engine_wal_event_type',
  'engine_wal_confirmed_at',
  'engine_command_outcome',
  'engine_command_outcome_at',
  'engine_command_outcome_event_id',
  'engine_command_outcome_reason',
  'engine_command_outcome_reason_code',
  'dead_lettered_at',
  'dead_letter_reason',
] as const
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
