/** `opslog admin …-auditor-key`: keys to the audit API. A key is shown once, when it is made; only its hash is kept. */
import { Command } from 'commander'
import { auditor } from '../commands/audit/auditor.ts'
import { generateAuditorKey } from '../commands/audit/auditor-key.ts'
import { operator } from '../commands/noctant/operator.ts'
import { Rejected } from '../commands/noctant/rejection.ts'
import { isUuid } from '../events/uuid.ts'
import { isPrefixedId } from '../runtime/ulid.ts'
import { type AdminSession, operatorIdOf, withAdminSession, written } from './admin-session.ts'
import { type OutputOptions, list as printList, withOutput } from './table-output.ts'
import { CliError, colours, EXIT, remark, show, text } from './terminal.ts'

interface JsonOption {
  json?: boolean
}

const ALL = 'all'

export const createAuditorKeyCommand = () =>
  new Command('create-auditor-key')
    .option('--operator <slug|id|all>', 'whose events it opens: an operator’s, an organization’s, or everybody’s')
    .option('--account <slug|id>', 'the same: an account’s of rungate')
    .requiredOption('--name <name>', 'whom it is for', text('name', 200))
    .option('--json', 'print JSON')
    .action(create)

export const listAuditorKeysCommand = () => withOutput(new Command('list-auditor-keys')).action(list)

export const revokeAuditorKeyCommand = () =>
  new Command('revoke-auditor-key')
    .argument('<keyId>', 'as `list-auditor-keys` shows it')
    .option('--reason <reason>', 'kept in the record', text('reason', 1_000))
    .option('--json', 'print JSON')
    .action(revoke)

type CreateOptions = JsonOption & { operator?: string; account?: string; name: string }

/** The key alone goes to standard output, so that a script can take it; the explanation goes to standard error. */
async function create({ operator, account: of, name, json }: CreateOptions): Promise<void> {
  if ((operator === undefined) === (of === undefined)) {
    throw new CliError(EXIT.usage, 'say whose events the key opens: either --operator or --account')
  }
  await withAdminSession(async (session) => {
    const operatorId = await tenantOf(session, { operator, account: of })
    const { key, keyId, keyHash } = generateAuditorKey()
    const circumstances = session.context()
    const facts = { keyId, operatorId, name, scopes: ['audit:read' as const], keyHash }
    const command = { kind: 'issue', facts, at: circumstances.at } as const
    const handled = await session.bus.handle(auditor, keyId, command, circumstances)
    if (!json) remark(colours.dim(`Key ${keyId} of ${name}, shown this once:`))
    const shown = { key_id: keyId, operator_id: operatorId ?? ALL, name, scopes: facts.scopes, auditor_key: key }
    show({ ...shown, ...written(handled) }, { json: json === true }, () => key)
  })
}

/** As events of keys record it; null: everybody's. */
async function tenantOf(
  session: AdminSession,
  { operator, account: of }: Pick<CreateOptions, 'operator' | 'account'>,
): Promise<string | null> {
  if (of !== undefined) return existingAccount(session, of)
  return operator === undefined || operator === ALL ? null : existingTenant(session, operator)
}

async function existingAccount({ bus }: AdminSession, slugOrId: string): Promise<string> {
  const { account, accountNotFound, accountSlug, slugIdOf } = await import('../commands/rungate/account.ts')
  const accountId = isUuid(slugOrId)
    ? slugOrId.toLowerCase()
    : (await bus.current(accountSlug, slugIdOf(slugOrId)))?.accountId
  if (accountId === undefined || (await bus.current(account, accountId)).status === 'absent') throw accountNotFound()
  return accountId
}

/** The tenant as events of keys record it; an organization's id has a prefix. */
async function existingTenant(session: AdminSession, slugOrId: string): Promise<string> {
  if (!isPrefixedId('org', slugOrId)) return existingOperator(session, slugOrId)
  const { createOwnersOf } = await import('../projections/audit/ownership.ts')
  const { contexts } = await import('./contexts.ts')
  const owners = await createOwnersOf(session.db, contexts)([slugOrId])
  const { recordedTenantOf } = await import('../audit/scope.ts')
  if (owners.get(slugOrId) === slugOrId) return recordedTenantOf(slugOrId)
  throw new Rejected('operator_not_found', `There is no organization ${slugOrId}.`)
}

async function existingOperator({ store, bus }: AdminSession, slugOrId: string): Promise<string> {
  const operatorId = await operatorIdOf(store, slugOrId)
  const { status } = await bus.load(operator, operatorId)
  if (status === 'absent') throw new Rejected('operator_not_found', `There is no operator ${slugOrId}.`)
  return operatorId
}

async function list(options: OutputOptions): Promise<void> {
  const { listAuditorKeys } = await import('../projections/audit/auditor-key.ts')
  const rows = await withAdminSession(({ db }) => listAuditorKeys(db))
  const keys = rows.map(({ key_hash: _, operator_id, ...row }) => ({ ...row, operator_id: operator_id ?? ALL }))
  const cells = keys.map((row) => [
    row.key_id,
    row.name,
    row.operator_id,
    row.revoked_at === null ? colours.green('works') : colours.red(`revoked ${row.revoked_at}`),
    row.created_at,
  ])
  printList(
    keys,
    options,
    ['key id', 'name', 'operator', 'state', 'created'],
    cells,
    'There are no auditor keys yet: opslog admin create-auditor-key --help',
  )
}

async function revoke(keyId: string, options: JsonOption & { reason?: string }): Promise<void> {
  await withAdminSession(async ({ bus, context }) => {
    const circumstances = context()
    const command = { kind: 'revoke', reason: options.reason ?? null, at: circumstances.at } as const
    const handled = await bus.handle(auditor, keyId, command, circumstances)
    show({ key_id: keyId, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`Revoked ${keyId}; no request with it will be answered any more.`)
        : colours.yellow(`${keyId} was revoked already; nothing was written.`),
    )
  })
}
