/** `opslog admin template`: the rules that challenges are sold under, shared presets and operators' own. */
import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { Rejected } from '../../commands/noctant/rejection.ts'
import { importTemplate, template, templateIdOf } from '../../commands/noctant/template.ts'
import { readTemplateFile, type TemplateFile } from '../../commands/noctant/template-file.ts'
import type { TemplateRow } from '../../projections/noctant/template.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { CliError, colours, EXIT, facts, reasonOf, show, text } from '../terminal.ts'
import { isBeginning, wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'
import { operatorIdOf } from './operator-id.ts'

interface TemplateOptions {
  json?: boolean
  operator?: string
}

interface ImportOptions extends TemplateOptions {
  presets?: boolean
}

interface ArchiveOptions extends TemplateOptions {
  reason?: string
}

export function templateCommand(tools: AdminTools): Command {
  const command = new Command('template')
  command
    .command('import')
    .argument('[file.json]', 'presets/ holds examples')
    .description('keep a template, or its next version; repeatable')
    .option('--operator <operator>', 'slug, id, or the beginning of it, whose own it is; without it, a preset for all')
    .option('--presets', 'the pack that comes with opslog, instead of a file')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('presets/one-step.json --operator acme', '--presets'))
    .action((path: string | undefined, options: ImportOptions) => importFile(tools, path, options))
  withOutput(command.command('list'))
    .description('presets, and with --operator its own templates')
    .option('--operator <operator>', 'slug, id, or the beginning of it')
    .addHelpText('after', examples('', '--operator acme'))
    .action((options: TemplateOptions & OutputOptions) => list(tools, options))
  command
    .command('archive')
    .argument('<template>', 'key or id, as `template list` shows it, or the beginning of the id')
    .description('offer it no longer; challenges under way keep it')
    .option('--operator <operator>', 'slug, id, or the beginning of it, whose template the key means')
    .option('--reason <reason>', 'kept in the record', text('reason', 1_000))
    .option('--json', 'print JSON')
    .addHelpText('after', examples('one-step --operator acme --reason "replaced by two steps"'))
    .action((name: string, options: ArchiveOptions) => archive(tools, name, options))
  return command
}

async function importFile(tools: AdminTools, path: string | undefined, options: ImportOptions): Promise<void> {
  if ((path === undefined) === (options.presets !== true)) {
    throw new CliError(
      EXIT.usage,
      'name a file or give --presets',
      'opslog admin template import presets/one-step.json',
    )
  }
  if (path === undefined) return importPack(tools, options)
  const { withSession, written } = tools
  const { key, terms } = await readTemplate(tools, path)
  await withSession(async ({ store, db, bus, context }) => {
    const operatorId = await ownerOf({ store, db }, options)
    const handled = await importTemplate(bus, { operatorId, key, terms }, context())
    const { state } = handled
    if (state.status === 'absent') throw new Error(`template ${key} was imported and is not there`)
    const { templateId, version } = state
    const value = { template_id: templateId, operator_id: operatorId, key, version, ...written(handled) }
    show(value, options, () =>
      [
        handled.events.length > 0
          ? colours.green(`Imported ${terms.name}.`)
          : colours.yellow('These terms are in force already; nothing was written.'),
        facts([
          ['template', templateId],
          ['version', String(version)],
          ['seen by', operatorId === null ? 'all operators' : operatorId],
        ]),
      ].join('\n'),
    )
  })
}

async function importPack({ withSession }: AdminTools, options: TemplateOptions): Promise<void> {
  const { importPresets, presetPack } = await import('../../processes/noctant/presets.ts')
  await withSession(async ({ bus, context }) => {
    const imported = await importPresets(bus, context)
    const presets = presetPack().map(({ key }) => ({ key, template_id: templateIdOf(null, key) }))
    show({ presets, imported }, options, () =>
      imported.length > 0
        ? colours.green(`Imported ${imported.join(', ')}.`)
        : colours.yellow('The presets are there already; nothing was written.'),
    )
  })
}

async function readTemplate({ instanceSettings }: AdminTools, path: string): Promise<TemplateFile> {
  const content = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CliError(EXIT.usage, `${path} cannot be read: ${reasonOf(error)}`, 'Name a JSON file.')
  })
  const read = readTemplateFile(parse(path, content), instanceSettings().ENGINE_CURRENCIES)
  if ('file' in read) return read.file
  const faults = read.faults.map((fault) => `  ${fault}`).join('\n')
  throw new CliError(EXIT.refused, `${path} is not a template:\n${faults}`, 'presets/ holds templates to start from.')
}

function parse(path: string, content: string): unknown {
  try {
    return JSON.parse(content)
  } catch (error) {
    throw new CliError(EXIT.refused, `${path} is not JSON: ${reasonOf(error)}`, 'Nothing was kept.')
  }
}

const ownerOf = async (
  session: Pick<AdminSession, 'store' | 'db'>,
  { operator }: TemplateOptions,
): Promise<string | null> => (operator === undefined ? null : operatorIdOf(session, operator))

async function list({ withSession }: AdminTools, options: TemplateOptions & OutputOptions): Promise<void> {
  const { listTemplates } = await import('../../projections/noctant/template.ts')
  const rows = await withSession(async ({ store, db }) =>
    listTemplates(db, (await ownerOf({ store, db }, options)) ?? undefined),
  )
  const shown = rows.map((row) => [
    row.key,
    row.operator_id === null ? 'all' : 'own',
    `v${row.version}`,
    row.name,
    stepsOf(row),
    row.archived_at === null ? colours.green('offered') : colours.red(`archived ${row.archived_at}`),
    row.template_id,
  ])
  printList(
    rows,
    options,
    ['key', 'for', 'version', 'name', 'steps', 'state', 'template id'],
    shown,
    'There are no templates yet: opslog admin template import --presets',
  )
}

const stepsOf = ({ terms }: TemplateRow): string => terms.steps.map(({ name }) => name).join(' › ')

async function archive({ withSession, written }: AdminTools, name: string, options: ArchiveOptions): Promise<void> {
  await withSession(async ({ store, db, bus, context }) => {
    const templateId = await templateIdIn({ bus, db }, await ownerOf({ store, db }, options), name)
    const circumstances = context()
    const command = { kind: 'archive', reason: options.reason ?? null, at: circumstances.at } as const
    const handled = await bus.handle(template, templateId, command, circumstances)
    show({ template_id: templateId, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`Archived ${name}; nothing new starts under it.`)
        : colours.yellow(`${name} was archived already; nothing was written.`),
    )
  })
}

async function templateIdIn(
  { bus, db }: Pick<AdminSession, 'bus' | 'db'>,
  operatorId: string | null,
  name: string,
): Promise<string> {
  for (const id of [name.toLowerCase(), templateIdOf(operatorId, name)]) {
    if ((await bus.load(template, id)).status !== 'absent') return id
  }
  if (isBeginning(name.toLowerCase())) return wholeIdOf({ db }, identified.template, name)
  throw new Rejected('template_not_found', `There is no template ${name}.`)
}
