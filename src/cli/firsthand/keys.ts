/** `opslog admin firsthand key`: API keys of an organization. A key is shown once, when it is issued. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { generateApiKey } from '../../commands/firsthand/api-key.ts'
import { organization } from '../../commands/firsthand/organization.ts'
import { type Environment, environment, type Scope, scope } from '../../events/firsthand/vocabulary.ts'
import { firsthandSettings } from '../../processes/firsthand/settings.ts'
import { listApiKeys } from '../../projections/firsthand/api-key.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { CliError, colours, EXIT, remark, show, text } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { timeOf } from './credits.ts'
import { identified } from './identified.ts'

/** What commander gives to an action. */
type Rest<Action> = Action extends (tools: AdminTools, ...given: infer Given) => Promise<void> ? Given : never

interface JsonOption {
  json?: boolean
}

interface IssueOptions extends JsonOption {
  environment: Environment
  scope: Scope[]
  allScopes?: boolean
  name: string
  expiresAt?: string
}

interface RevokeOptions extends JsonOption {
  reason?: string
  spareSuccessors?: boolean
}

const LISTED_MAX = 1_000

export function keyCommand(tools: AdminTools): Command {
  const command = new Command('key').description('issue, revoke and list API keys')
  command
    .command('issue')
    .argument('<organization>', 'its id, or the beginning of it')
    .description('make a key and print it, once')
    .addOption(new Option('--environment <world>').choices(environment.options).makeOptionMandatory())
    .option('--scope <scope>', 'what it may do, repeatable', collectScope, [])
    .option('--all-scopes', 'it may do everything')
    .option('--name <name>', 'what it is for', text('name', 100), 'command line')
    .option('--expires-at <time>', 'RFC 3339; default: never', timeOf)
    .option('--json', 'print JSON')
    .addHelpText('after', `\nScopes: ${scope.options.join(', ')}`)
    .addHelpText(
      'after',
      examples(
        'org_01KJPV4G8R --environment test --all-scopes',
        'org_01KJPV4G8R --environment live --scope jobs:read --name dashboard',
      ),
    )
    .action((...given: Rest<typeof issue>) => issue(tools, ...given))
  withOutput(command.command('list'))
    .argument('<organization>', 'its id, or the beginning of it')
    .description('its keys, revoked ones too')
    .addHelpText('after', examples('org_01KJPV4G8R'))
    .action((...given: Rest<typeof list>) => list(tools, ...given))
  command
    .command('revoke')
    .argument('<organization>', 'its id, or the beginning of it')
    .argument('<keyId>', 'as `key list` shows it, or the beginning of it')
    .description('stop a key from working, and those that were made with it, for good')
    .option('--reason <reason>', 'kept in the record', text('reason', 1_000))
    .option('--spare-successors', 'leave the key that has replaced it by rotation; default: it is revoked too')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'org_01KJPV4G8R key_01KJPV4G8R --reason "seen in a public repository"',
        'org_01KJPV4G8R key_01KJPV4G8R --spare-successors',
      ),
    )
    .action((...given: Rest<typeof revoke>) => revoke(tools, ...given))
  return command
}

/** The key alone goes to standard output, so that a script can take it; what is said about it goes beside. */
async function issue(
  { withSession, written, settings }: AdminTools,
  named: string,
  options: IssueOptions,
): Promise<void> {
  const scopes = options.allScopes ? [...scope.options] : options.scope
  if (scopes.length === 0) {
    throw new CliError(EXIT.usage, 'the key would be allowed nothing', 'Give --scope once or more, or --all-scopes.')
  }
  await withSession(async ({ bus, db, context }) => {
    const id = await wholeIdOf({ db }, identified.organization, named)
    const circumstances = context()
    const { at, commandId } = circumstances
    const { secret, ...kept } = generateApiKey(options.environment)
    const keyId = prefixedId('key', at, commandId)
    const key = {
      ...kept,
      keyId,
      name: options.name,
      scopes,
      environment: options.environment,
      expiresAt: options.expiresAt ?? null,
    }
    const { FIRSTHAND_KEYS_MAX: keysMax } = settings(firsthandSettings)
    const command = { kind: 'createKey', key, by: null, keysMax, at } as const
    const handled = await bus.handle(organization, id, command, circumstances)
    if (!options.json) remark(colours.dim(`Key ${keyId}, shown this once:`))
    show({ organization_id: id, key_id: keyId, api_key: secret, scopes, ...written(handled) }, options, () => secret)
  })
}

async function list({ withSession }: AdminTools, named: string, options: OutputOptions): Promise<void> {
  const { id, rows } = await withSession(async ({ db }) => {
    const whole = await wholeIdOf({ db }, identified.organization, named)
    return { id: whole, rows: await listApiKeys(db, whole, environment.options, { limit: LISTED_MAX }) }
  })
  const keys = rows.map(({ key_hash: _, ...row }) => row)
  const lines = keys.map((row) => [row.key_id, row.name, row.environment, stateOf(row), row.scopes.join('\n')])
  printList(
    keys,
    options,
    ['key id', 'name', 'world', 'state', 'scopes'],
    lines,
    `${id} has no keys: opslog admin firsthand key issue ${id} --help`,
  )
}

function stateOf({ revoked_at, valid_until }: { revoked_at: string | null; valid_until: string | null }): string {
  if (revoked_at !== null) return colours.red(`revoked ${revoked_at}`)
  return valid_until === null ? colours.green('works') : colours.yellow(`replaced, works until ${valid_until}`)
}

async function revoke(
  { withSession, written }: AdminTools,
  organizationNamed: string,
  keyNamed: string,
  options: RevokeOptions,
): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const id = await wholeIdOf({ db }, identified.organization, organizationNamed)
    const keyId = await wholeIdOf({ db }, identified.key, keyNamed)
    const circumstances = context()
    const { reason = null, spareSuccessors: sparesSuccessors = false } = options
    const command = { kind: 'revokeKey', keyId, reason, sparesSuccessors, by: null, at: circumstances.at } as const
    const handled = await bus.handle(organization, id, command, circumstances)
    const revoked = handled.events.map(({ data }) => ('keyId' in data ? data.keyId : ''))
    show({ organization_id: id, key_id: keyId, revoked, ...written(handled) }, options, () =>
      revoked.length > 0
        ? colours.green(`Revoked ${revoked.join(', ')}; no request with them will be answered any more.`)
        : colours.yellow(`${keyId} was revoked already; nothing was written.`),
    )
  })
}

function collectScope(value: string, sofar: Scope[]): Scope[] {
  const found = scope.safeParse(value)
  if (!found.success) throw new InvalidArgumentError('There is no such scope; --help lists them.')
  return sofar.includes(found.data) ? sofar : [...sofar, found.data]
}
