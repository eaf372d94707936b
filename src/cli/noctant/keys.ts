/** `opslog admin key`: API keys of an operator. A key is shown once, when it is issued; only its hash is kept. */
import { Command, InvalidArgumentError } from 'commander'
import { generateApiKey } from '../../commands/noctant/api-key.ts'
import { operator } from '../../commands/noctant/operator.ts'
import { Rejected } from '../../commands/noctant/rejection.ts'
import { type ApiScope, apiScope } from '../../events/noctant/vocabulary.ts'
import { noctantSettings } from '../../processes/noctant/settings.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { CliError, colours, EXIT, remark, show, text } from '../terminal.ts'
import { operatorIdOf } from './operator-id.ts'

interface JsonOption {
  json?: boolean
}

interface RevokeOptions extends JsonOption {
  reason?: string
  spareSuccessors?: boolean
}

interface IssueOptions extends JsonOption {
  scope: ApiScope[]
  allScopes?: boolean
  label?: string
}

export function keyCommand(tools: AdminTools): Command {
  const command = new Command('key')
  command
    .command('issue')
    .argument('<operator>', 'slug, id, or the beginning of it')
    .description('make a key and print it, once')
    .option('--scope <scope>', 'what it may do, repeatable', collectScope, [])
    .option('--all-scopes', 'it may do everything')
    .option('--label <label>', 'what it is for', text('label', 200))
    .option('--json', 'print JSON')
    .addHelpText('after', `\nScopes: ${apiScope.options.join(', ')}`)
    .addHelpText(
      'after',
      examples('acme --all-scopes --label "back office"', 'acme --scope accounts:read --scope trades:read --json'),
    )
    .action((name: string, options: IssueOptions) => issue(tools, name, options))
  withOutput(command.command('list'))
    .argument('<operator>', 'slug, id, or the beginning of it')
    .description('its keys, revoked ones too')
    .addHelpText('after', examples('acme'))
    .action((name: string, options: OutputOptions) => list(tools, name, options))
  command
    .command('revoke')
    .argument('<operator>', 'slug, id, or the beginning of it')
    .argument('<keyId>', 'as `key list` shows it')
    .description('stop a key from working, for good')
    .option('--reason <reason>', 'kept in the record', text('reason', 1_000))
    .option('--spare-successors', 'leave keys that were made from it by rotation; default: they are revoked too')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'acme 1ag5KONvlFMI9Q8R7 --reason "seen in a public repository"',
        'acme 1ag5KONvlFMI9Q8R7 --spare-successors',
      ),
    )
    .action((name: string, keyId: string, options: RevokeOptions) => revoke(tools, name, keyId, options))
  return command
}

/** The key alone goes to standard output, so that a script can take it; the explanation goes to standard error. */
async function issue(tools: AdminTools, name: string, options: IssueOptions): Promise<void> {
  const { withSession, written } = tools
  const scopes = options.allScopes ? [...apiScope.options] : options.scope
  if (scopes.length === 0) {
    throw new CliError(EXIT.usage, 'the key would be allowed nothing', 'Give --scope once or more, or --all-scopes.')
  }
  await withSession(async ({ store, db, bus, context }) => {
    const operatorId = await operatorIdOf({ store, db }, name)
    const state = await bus.load(operator, operatorId)
    if (state.status === 'absent') throw new Rejected('operator_not_found', `There is no operator ${name}.`)
    const { key, keyId, keyHash } = generateApiKey(state.facts.environment)
    const circumstances = context()
    const facts = { keyId, keyHash, scopes, label: options.label ?? null }
    const keysMax = tools.settings(noctantSettings).API_KEYS_PER_OPERATOR_MAX
    const command = { kind: 'issueKey', key: facts, keysMax, at: circumstances.at } as const
    const handled = await bus.handle(operator, operatorId, command, circumstances)
    if (!options.json) {
      const standing = state.status === 'suspended' ? ' The operator is suspended: it works once resumed.' : ''
      remark(colours.dim(`Key ${keyId} of ${state.facts.slug}, shown this once:${standing}`))
    }
    show({ operator_id: operatorId, key_id: keyId, api_key: key, scopes, ...written(handled) }, options, () => key)
  })
}

async function list({ withSession }: AdminTools, name: string, options: OutputOptions): Promise<void> {
  const { listApiKeys } = await import('../../projections/noctant/api-key.ts')
  await withSession(async ({ store, bus, db }) => {
    const operatorId = await operatorIdOf({ store, db }, name)
    const state = await bus.load(operator, operatorId)
    if (state.status === 'absent') throw new Rejected('operator_not_found', `There is no operator ${name}.`)
    const keys = (await listApiKeys(db, operatorId)).map(({ key_hash: _, ...row }) => row)
    const rows = keys.map((row) => [
      row.key_id,
      row.label ?? '',
      stateOf(row),
      row.scopes.length === apiScope.options.length ? 'all' : row.scopes.join(', '),
      row.created_at,
    ])
    printList(
      keys,
      options,
      ['key id', 'label', 'state', 'scopes', 'created'],
      rows,
      `${name} has no keys yet: opslog admin key issue ${name} --help`,
    )
  })
}

function stateOf({ revoked_at, valid_until }: { revoked_at: string | null; valid_until: string | null }): string {
  if (revoked_at !== null) return colours.red(`revoked ${revoked_at}`)
  return valid_until === null ? colours.green('works') : colours.yellow(`replaced, works until ${valid_until}`)
}

async function revoke(
  { withSession, written }: AdminTools,
  name: string,
  keyId: string,
  options: RevokeOptions,
): Promise<void> {
  await withSession(async ({ store, db, bus, context }) => {
    const operatorId = await operatorIdOf({ store, db }, name)
    const circumstances = context()
    const { reason = null, spareSuccessors: sparesDescendants = false } = options
    const command = { kind: 'revokeKey', keyId, reason, sparesDescendants, at: circumstances.at } as const
    const handled = await bus.handle(operator, operatorId, command, circumstances)
    const revoked = handled.events.map(({ data }) => ('keyId' in data ? data.keyId : ''))
    show({ operator_id: operatorId, key_id: keyId, revoked, ...written(handled) }, options, () =>
      revoked.length > 0
        ? colours.green(`Revoked ${revoked.join(', ')}; no request with them will be answered any more.`)
        : colours.yellow(`${keyId} was revoked already; nothing was written.`),
    )
  })
}

function collectScope(value: string, sofar: ApiScope[]): ApiScope[] {
  const scope = apiScope.safeParse(value)
  if (!scope.success) throw new InvalidArgumentError('There is no such scope; --help lists them.')
  return sofar.includes(scope.data) ? sofar : [...sofar, scope.data]
}
