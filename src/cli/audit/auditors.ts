/** `opslog admin …-auditor-key`: keys to the audit API. A key is shown once, when it is made; only its hash is kept. */
import { Command } from 'commander'
import { auditor } from '../../commands/audit/auditor.ts'
import { generateAuditorKey } from '../../commands/audit/auditor-key.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import type { Tenants } from '../context-cli.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { CliError, colours, EXIT, remark, show, text } from '../terminal.ts'

interface JsonOption {
  json?: boolean
}

const ALL = 'all'

export async function createAuditorKeyCommand(tools: AdminTools): Promise<Command> {
  const options = await tenantOptions(tools)
  const command = new Command('create-auditor-key')
  for (const [index, [option, tenants]] of [...options].entries()) {
    const whose = tenants.map((each) => each.whose).join(', ')
    // The first of them opens everything as well.
    if (index === 0) command.option(`--${option} <slug|id|${ALL}>`, `whose events it opens: ${whose}, or everybody’s`)
    else command.option(`--${option} <slug|id>`, `the same: ${whose}`)
  }
  return command
    .requiredOption('--name <name>', 'whom it is for', text('name', 200))
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples('--operator acme --name "Grace of the auditors"', '--operator all --name "Grace of the auditors"'),
    )
    .action((given: CreateOptions) => create(tools, options, given))
}

export const listAuditorKeysCommand = (tools: AdminTools): Command =>
  withOutput(new Command('list-auditor-keys'))
    .addHelpText('after', examples())
    .action((options: OutputOptions) => list(tools, options))

export const revokeAuditorKeyCommand = (tools: AdminTools): Command =>
  new Command('revoke-auditor-key')
    .argument('<keyId>', 'as `list-auditor-keys` shows it')
    .option('--reason <reason>', 'kept in the record', text('reason', 1_000))
    .option('--json', 'print JSON')
    .addHelpText('after', examples('1ElaqpwjiUKvbW9q9 --reason "the audit is over"'))
    .action((keyId: string, options: RevokeOptions) => revoke(tools, keyId, options))

type CreateOptions = JsonOption & { name: string } & Readonly<Record<string, string | boolean | undefined>>
type RevokeOptions = JsonOption & { reason?: string }

/** The key alone goes to standard output, so that a script can take it; the explanation goes to standard error. */
async function create(
  { withSession, written }: AdminTools,
  options: ReadonlyMap<string, readonly Tenants[]>,
  { name, json, ...given }: CreateOptions,
): Promise<void> {
  const named = [...options].flatMap(([option, tenants]) => {
    const value = given[option]
    return typeof value === 'string' ? [{ tenants, value }] : []
  })
  const [one] = named
  if (!one || named.length > 1) {
    const either = [...options.keys()].map((option) => `--${option}`).join(' or ')
    throw new CliError(EXIT.usage, `say whose events the key opens: either ${either}`)
  }
  await withSession(async (session) => {
    const operatorId = await tenantOf(session, one.tenants, one.value)
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

/** The options that name a tenant, and of which contexts' tenants; several contexts may share one. */
async function tenantOptions(tools: AdminTools): Promise<Map<string, Tenants[]>> {
  const tenants = (await tools.contextClis()).flatMap(({ cli }) => cli.tenants ?? [])
  return Map.groupBy(tenants, ({ option }) => option)
}

/** As events of keys record it; null: everybody's. Throws CliError where it is nobody's name. */
async function tenantOf(session: AdminSession, tenants: readonly Tenants[], named: string): Promise<string | null> {
  if (named === ALL) return null
  for (const { find } of tenants) {
    const found = await find(session, named)
    if (found !== undefined) return found
  }
  throw new CliError(EXIT.refused, `there is no tenant ${named}`)
}

async function list({ withSession }: AdminTools, options: OutputOptions): Promise<void> {
  const { listAuditorKeys } = await import('../../projections/audit/auditor-key.ts')
  const rows = await withSession(({ db }) => listAuditorKeys(db))
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

async function revoke({ withSession, written }: AdminTools, keyId: string, options: RevokeOptions): Promise<void> {
  await withSession(async ({ bus, context }) => {
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
