/** `opslog admin firsthand organization`: create, suspend, resume, list, and the floor of the fee. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { organization } from '../../commands/firsthand/organization.ts'
import { fraction, type Tier, tier } from '../../events/firsthand/vocabulary.ts'
import { listOrganizations } from '../../projections/firsthand/organization.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { colours, show, text } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

/** What commander gives to an action. */
type Rest<Action> = Action extends (tools: AdminTools, ...given: infer Given) => Promise<void> ? Given : never

interface JsonOption {
  json?: boolean
}

export function organizationCommand(tools: AdminTools): Command {
  const command = new Command('organization').description('create, suspend, resume and list organizations')
  command
    .command('create')
    .description('create an organization and print its id')
    .requiredOption('--name <name>', 'as people know it', text('name', 200))
    .addOption(new Option('--tier <tier>', 'rate limit tier').choices(tier.options).default('standard'))
    .option('--json', 'print JSON')
    .addHelpText('after', examples('--name "Acme Pictures"', '--name "Acme Pictures" --tier pro'))
    .action((...given: Rest<typeof create>) => create(tools, ...given))
  for (const kind of ['suspend', 'resume'] as const) {
    command
      .command(kind)
      .argument('<organization>', 'its id, or the beginning of it')
      .description(kind === 'suspend' ? 'stop its keys from working' : 'let its keys work again')
      .option('--reason <reason>', 'kept in the record', text('reason', 1_000))
      .option('--json', 'print JSON')
      .addHelpText(
        'after',
        examples(kind === 'suspend' ? 'org_01KJPV4G8R --reason "unpaid invoices"' : 'org_01KJPV4G8R'),
      )
      .action((id: string, options: JsonOption & { reason?: string }) => changeStanding(tools, kind, id, options))
  }
  command
    .command('fee-floor')
    .argument('<organization>', 'its id, or the beginning of it')
    .argument('<fee>', 'from 0 to 0.5: the lowest that it may set', feeOf)
    .description('bound the fee that an organization may set for its jobs')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('org_01KJPV4G8R 0.15'))
    .action((...given: Rest<typeof setFeeFloor>) => setFeeFloor(tools, ...given))
  withOutput(command.command('list'))
    .description('all organizations, oldest first')
    .addHelpText('after', examples())
    .action((...given: Rest<typeof list>) => list(tools, ...given))
  return command
}

function feeOf(value: string): string {
  if (fraction.safeParse(value).success && Number(value) <= 0.5) return value
  throw new InvalidArgumentError('A fee is a number from 0 to 0.5 with at most 4 places, such as 0.15.')
}

async function create(
  { withSession, written }: AdminTools,
  { name, tier: of, ...options }: JsonOption & { name: string; tier: Tier },
): Promise<void> {
  await withSession(async ({ bus, context }) => {
    const circumstances = context()
    const { at, commandId } = circumstances
    const facts = { organizationId: prefixedId('org', at, commandId), name, tier: of }
    const { organizationId } = facts
    const handled = await bus.handle(organization, organizationId, { kind: 'create', facts, at }, circumstances)
    show({ organization_id: organizationId, name, tier: of, ...written(handled) }, options, () => organizationId)
  })
}

async function changeStanding(
  { withSession, written }: AdminTools,
  kind: 'suspend' | 'resume',
  named: string,
  options: JsonOption & { reason?: string },
): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const id = await wholeIdOf({ db }, identified.organization, named)
    const circumstances = context()
    const command = { kind, reason: options.reason ?? null, at: circumstances.at }
    const handled = await bus.handle(organization, id, command, circumstances)
    const status = kind === 'suspend' ? 'suspended' : 'active'
    show({ organization_id: id, status, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`${id} is ${status} now.`)
        : colours.yellow(`${id} was ${status} already; nothing was written.`),
    )
  })
}

async function setFeeFloor(
  { withSession, written }: AdminTools,
  named: string,
  feeFloorPct: string,
  options: JsonOption,
): Promise<void> {
  await withSession(async ({ bus, db, context }) => {
    const id = await wholeIdOf({ db }, identified.organization, named)
    const circumstances = context()
    const command = { kind: 'setFeeFloor', feeFloorPct, at: circumstances.at } as const
    const handled = await bus.handle(organization, id, command, circumstances)
    show({ organization_id: id, fee_floor_pct: Number(feeFloorPct), ...written(handled) }, options, () =>
      colours.green(`${id} may set no fee below ${feeFloorPct}.`),
    )
  })
}

async function list({ withSession }: AdminTools, options: OutputOptions): Promise<void> {
  const organizations = await withSession(({ db }) => listOrganizations(db))
  const rows = organizations.map((row) => [
    row.organization_id,
    row.name,
    row.status === 'active' ? colours.green(row.status) : colours.red(row.status),
    row.tier,
    row.created_at,
  ])
  printList(
    organizations,
    options,
    ['organization', 'name', 'status', 'tier', 'created'],
    rows,
    'There are no organizations: opslog admin firsthand organization create --help',
  )
}
