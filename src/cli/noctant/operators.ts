/** `opslog admin operator`: noctant's tenants. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { deterministicId } from '../../commands/identity.ts'
import { createOperator, operator } from '../../commands/noctant/operator.ts'
import { apiAccess, environment, rateLimitTier } from '../../events/noctant/vocabulary.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { colours, facts, show, text } from '../terminal.ts'
import { operatorIdOf } from './operator-id.ts'
import { originsCommand } from './origins.ts'

interface JsonOption {
  json?: boolean
}

interface StandingOptions extends JsonOption {
  reason?: string
}

export function operatorCommand(tools: AdminTools): Command {
  const command = new Command('operator')
  command
    .command('create')
    .description('create an operator; repeatable until it has succeeded')
    .requiredOption('--name <name>', 'as people know it', text('name', 200))
    .requiredOption('--slug <slug>', 'short unique name: small letters, digits, dashes', slug)
    .addOption(new Option('--environment <environment>').choices(environment.options).default('sandbox'))
    .addOption(new Option('--tier <tier>', 'rate limit tier').choices(rateLimitTier.options).default('standard'))
    .addOption(new Option('--api-access <access>').choices(apiAccess.options).default('allowlisted_beta'))
    .option('--origin <origin>', 'allowed browser origin, repeatable', collectOrigin, [])
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        '--name "Acme Trading" --slug acme',
        '--name "Acme Trading" --slug acme --environment production --tier pro',
      ),
    )
    .action((options: CreateOptions) => create(tools, options))
  for (const kind of ['suspend', 'resume'] as const) {
    command
      .command(kind)
      .argument('<slug|id>', 'the operator')
      .description(kind === 'suspend' ? 'stop its keys from working' : 'let its keys work again')
      .option('--reason <reason>', 'kept in the record', text('reason', 1_000))
      .option('--json', 'print JSON')
      .addHelpText('after', examples(kind === 'suspend' ? 'acme --reason "unpaid invoices"' : 'acme'))
      .action((name: string, options: StandingOptions) => changeStanding(tools, kind, name, options))
  }
  command.addCommand(originsCommand(tools))
  withOutput(command.command('list'))
    .description('all operators, oldest first')
    .addHelpText('after', examples())
    .action((options: OutputOptions) => list(tools, options))
  return command
}

interface CreateOptions extends JsonOption {
  name: string
  slug: string
  environment: ReturnType<typeof environment.parse>
  tier: ReturnType<typeof rateLimitTier.parse>
  apiAccess: ReturnType<typeof apiAccess.parse>
  origin: string[]
}

/** The id follows from the slug, so that a creation that was cut short between its two streams can be repeated. */
async function create({ withSession, written }: AdminTools, options: CreateOptions): Promise<void> {
  const { name, slug } = options
  const operatorId = deterministicId('noctant.operator', slug)
  const orgId = deterministicId('noctant.org', operatorId)
  const standing = { environment: options.environment, rateLimitTier: options.tier, apiAccess: options.apiAccess }
  const handled = await withSession(({ bus, context }) =>
    createOperator(bus, { operatorId, orgId, name, slug, ...standing, allowedOrigins: options.origin }, context()),
  )
  const value = { operator_id: operatorId, org_id: orgId, slug, ...written(handled) }
  show(value, options, () =>
    [
      colours.green(`Created ${name}.`),
      facts([
        ['operator', operatorId],
        ['organisation', orgId],
        ['environment', standing.environment],
        ['tier', standing.rateLimitTier],
      ]),
      colours.dim(`Give it a key: opslog admin key issue ${slug} --all-scopes`),
    ].join('\n'),
  )
}

async function changeStanding(
  { withSession, written }: AdminTools,
  kind: 'suspend' | 'resume',
  name: string,
  options: StandingOptions,
): Promise<void> {
  await withSession(async ({ store, db, bus, context }) => {
    const operatorId = await operatorIdOf({ store, db }, name)
    const circumstances = context()
    const command = { kind, reason: options.reason ?? null, at: circumstances.at }
    const handled = await bus.handle(operator, operatorId, command, circumstances)
    const status = kind === 'suspend' ? 'suspended' : 'active'
    show({ operator_id: operatorId, status, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`${name} is ${status} now.`)
        : colours.yellow(`${name} was ${status} already; nothing was written.`),
    )
  })
}

async function list({ withSession }: AdminTools, options: OutputOptions): Promise<void> {
  const { listOperators } = await import('../../projections/noctant/operator.ts')
  const operators = await withSession(({ db }) => listOperators(db))
  const rows = operators.map((row) => [
    row.slug,
    row.name,
    row.status === 'active' ? colours.green(row.status) : colours.red(row.status),
    row.environment,
    row.rate_limit_tier,
    row.operator_id,
    row.created_at,
  ])
  printList(
    operators,
    options,
    ['slug', 'name', 'status', 'environment', 'tier', 'operator id', 'created'],
    rows,
    'There are no operators yet: opslog admin operator create --help',
  )
}

function slug(value: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) return value
  throw new InvalidArgumentError('Use 1 to 63 small letters, digits and dashes, with no dash at either end.')
}

function collectOrigin(value: string, sofar: string[]): string[] {
  if (!URL.canParse(value) || new URL(value).origin !== value) {
    throw new InvalidArgumentError('An origin looks like https://app.example.com, without a path.')
  }
  return [...sofar, value]
}
