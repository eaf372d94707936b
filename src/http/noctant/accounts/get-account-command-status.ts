/** GET /v1/accounts/by-external-id/commands/{command_id}: how far a command has come on its way to the engine. */
import { z } from '@hono/zod-openapi'
import { isUuid } from '../../../events/uuid.ts'
import { findCommand } from '../../../projections/noctant/account-command.ts'
import { json } from '../../answers.ts'
import { nullableTimeOut, nullableUuidOut, uuidOut } from '../../schemas.ts'
import { operatorKey, read } from '../access.ts'
import { accountNotFound } from '../reading.ts'
import { externalAccountQuery } from '../schemas.ts'

const status = z
  .enum(['unknown', 'outbox_pending', 'nats_published', 'engine_wal_confirmed', 'dead_lettered'])
  .openapi('AccountCommandStatus')

const outcome = z.enum(['accepted', 'rejected', 'ignored']).openapi('AccountEngineCommandOutcome')

const view = z
  .object({
    external_account_id: z.string(),
    account_id: uuidOut,
    command_id: z.string(),
    command_type: z.string().nullable().optional(),
    status,
    accepted_at: nullableTimeOut.optional(),
    nats_published_at: nullableTimeOut.optional(),
    engine_wal_confirmed_at: nullableTimeOut.optional(),
    engine_wal_event_id: nullableUuidOut.optional(),
    engine_wal_event_type: z.string().nullable().optional(),
    engine_wal_republish_count: z.int().nullable().optional(),
    engine_wal_last_republished_at: nullableTimeOut.optional(),
    engine_command_outcome: z.union([outcome, z.null()]).optional(),
    engine_command_outcome_at: nullableTimeOut.optional(),
    engine_command_outcome_event_id: nullableUuidOut.optional(),
    engine_command_outcome_reason: z.string().nullable().optional(),
    engine_command_outcome_reason_code: z.string().nullable().optional(),
    dead_lettered_at: nullableTimeOut.optional(),
    dead_letter_reason: z.string().nullable().optional(),
  })
  .openapi('AccountCommandStatusView')

export const getAccountCommandStatusByExternalId = read({
  path: '/v1/accounts/by-external-id/commands/{command_id}',
  id: 'getAccountCommandStatusByExternalId',
  tags: ['Accounts'],
  summary: 'What became of a command to the engine',
  description: 'Answers whether a command was sent, whether the engine has recorded it, and what it decided.',
  access: operatorKey('accounts:read'),
  params: z.object({ command_id: z.string().refine(isUuid, 'must be a UUID') }),
  query: externalAccountQuery,
  answer: json(z.object({ command: view }).openapi('AccountCommandStatusResponse'), 'The command, as far as known.'),
  refuses: ['account_not_found'],
  async handle({ db, principal, params, query: { external_account_id } }) {
    const commandId = params.command_id.toLowerCase()
    const found = await findCommand(db, principal.operatorId, external_account_id, commandId)
    if (!found) throw accountNotFound()
    const { present_account_id: account_id, ...known } = found
    const command =
      known.command_id === null ? { account_id, command_id: commandId, status: 'unknown' as const } : known
    return { command: { ...command, external_account_id } }
  },
})
