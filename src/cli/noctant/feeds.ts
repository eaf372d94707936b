/**
 * `opslog admin feed`: historical feeds and who may use them. A feed's file is checked row by row, kept under the hash of
 * its bytes in the data directory, where the engine reads it, and only then recorded.
 */
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { deterministicId } from '../../commands/identity.ts'
import { feed } from '../../commands/noctant/feed.ts'
import { contentHashOf, InvalidFeed, parseFeed, spanOf } from '../../engine/replay/feed-file.ts'
import { feedFile } from '../../engine/replay/outcome.ts'
import { referenceSymbols } from '../../engine/symbols.ts'
import { feedKind } from '../../events/noctant/vocabulary.ts'
import { timeMs } from '../../runtime/rfc3339.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { type OutputOptions, list as printList, withOutput } from '../table-output.ts'
import { CliError, colours, EXIT, facts, reasonOf, show } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'
import { existingOperator } from './operator-id.ts'

/** Of a feed's file: what is read into memory as a whole. */
const FILE_BYTES_MAX = 268_435_456

interface JsonOption {
  json?: boolean
}

interface ImportOptions extends JsonOption {
  id?: string
  symbol: string
  kind: 'candles' | 'ticks'
}

interface GrantOptions extends JsonOption {
  from?: string
  to?: string
}

export function feedCommand(tools: AdminTools): Command {
  const command = new Command('feed')
  command
    .command('import')
    .argument('<file.csv>', 'candles: time,open,high,low,close[,volume]; ticks: time,bid,ask')
    .description('check a CSV file and keep it as a feed; repeatable')
    .requiredOption('--symbol <symbol>', `one of ${[...referenceSymbols.keys()].join(', ')}`)
    .addOption(new Option('--kind <kind>').choices(feedKind.options).makeOptionMandatory())
    .option('--id <uuid>', 'the feed’s id; without it, one that follows from symbol, kind and content', uuid)
    .option('--json', 'print JSON')
    .addHelpText('after', examples('eurusd.csv --symbol EURUSD --kind candles'))
    .action((path: string, options: ImportOptions) => importFeed(tools, path, options))
  withOutput(command.command('list'))
    .description('all feeds, and who may use them')
    .addHelpText('after', examples())
    .action((options: OutputOptions) => list(tools, options))
  command
    .command('grant')
    .argument('<operator>', 'slug, id, or the beginning of it')
    .argument('<feed>', 'as `feed list` shows it, or the beginning of it')
    .description('let an operator launch sessions on a feed; a later grant takes the place of an earlier one')
    .option('--from <time>', 'market time from which on, such as 2026-01-05T00:00:00Z; default: all', time)
    .option('--to <time>', 'market time before which; default: all', time)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples('acme 3fa85f64', 'acme 3fa85f64 --from 2026-01-05T00:00:00Z --to 2026-02-01T00:00:00Z'),
    )
    .action((name: string, feedId: string, options: GrantOptions) => grant(tools, name, feedId, options))
  return command
}

async function importFeed(tools: AdminTools, path: string, options: ImportOptions): Promise<void> {
  const { withSession, written, dataDirectory } = tools
  const symbol = referenceSymbols.get(options.symbol.toUpperCase())
  if (!symbol) throw new CliError(EXIT.usage, `${options.symbol} is not traded here`, 'See opslog engine price.')
  const bytes = await bytesOf(path)
  const checked = check(path, bytes, { kind: options.kind, symbol })
  const contentHash = contentHashOf(bytes)
  const feedId = options.id ?? deterministicId('noctant.feed', symbol.symbol, options.kind, contentHash)
  const { startsAtMs, endsAtMs } = spanOf(checked)
  const imported = {
    feedId,
    symbol: symbol.symbol,
    kind: options.kind,
    contentHash,
    rows: checked.rows.length,
    startsAt: new Date(startsAtMs).toISOString(),
    endsAt: new Date(endsAtMs).toISOString(),
  }
  await withSession(async ({ bus, context }) => {
    const circumstances = context()
    await keep(feedFile(join(dataDirectory(), 'feeds'), contentHash), bytes)
    const command = { kind: 'import', facts: imported, at: circumstances.at } as const
    const handled = await bus.handle(feed, feedId, command, circumstances)
    const shown = {
      feed_id: feedId,
      symbol: imported.symbol,
      kind: imported.kind,
      content_hash: contentHash,
      row_count: imported.rows,
      starts_at: imported.startsAt,
      ends_at: imported.endsAt,
    }
    show({ ...shown, ...written(handled) }, options, () =>
      [
        handled.events.length > 0
          ? colours.green(`Imported ${checked.rows.length} ${options.kind} of ${symbol.symbol}.`)
          : colours.yellow('The feed was there already; nothing was written.'),
        facts([
          ['feed', feedId],
          ['from', imported.startsAt],
          ['to', imported.endsAt],
          ['content', contentHash],
        ]),
        colours.dim(`Let an operator use it: opslog admin feed grant <operator> ${feedId}`),
      ].join('\n'),
    )
  })
}

async function bytesOf(path: string): Promise<Uint8Array> {
  const unreadable = (error: unknown): never => {
    throw new CliError(EXIT.usage, `${path} cannot be read: ${reasonOf(error)}`, 'Name a CSV file.')
  }
  const { size } = await stat(path).catch(unreadable)
  if (size > FILE_BYTES_MAX) {
    throw new CliError(EXIT.refused, `${path} has more than ${FILE_BYTES_MAX} bytes`, 'Cut it into several feeds.')
  }
  return readFile(path).catch(unreadable)
}

function check(path: string, bytes: Uint8Array, expected: Parameters<typeof parseFeed>[1]) {
  try {
    return parseFeed(bytes, expected)
  } catch (error) {
    if (!(error instanceof InvalidFeed)) throw error
    throw new CliError(
      EXIT.refused,
      `${path} is not a feed of ${expected.kind}:\n${error.message}`,
      'Nothing was kept.',
    )
  }
}

/** Writes the file whole or not at all. One that is there has the same bytes, by its name. */
async function keep(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}.new`
  const handle = await open(draft, 'w', 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
}

async function list({ withSession }: AdminTools, options: OutputOptions): Promise<void> {
  const { listFeeds } = await import('../../projections/noctant/feed.ts')
  const found = await withSession(({ db }) => listFeeds(db))
  const rows = found.map((each) => [
    each.feed_id,
    each.symbol,
    each.kind,
    String(each.row_count),
    each.starts_at,
    each.ends_at,
    each.grants.map(({ slug, operator_id }) => slug ?? operator_id).join(', '),
  ])
  printList(
    found,
    options,
    ['feed', 'symbol', 'kind', 'rows', 'from', 'to', 'granted to'],
    rows,
    'There are no feeds yet: opslog admin feed import --help',
  )
}

async function grant(
  { withSession, written }: AdminTools,
  name: string,
  named: string,
  options: GrantOptions,
): Promise<void> {
  await withSession(async (session) => {
    const { bus, context } = session
    const operatorId = await existingOperator(session, name)
    const feedId = await wholeIdOf(session, identified.feed, named)
    const circumstances = context()
    const range = { from: options.from ?? null, to: options.to ?? null }
    const command = { kind: 'grant', operatorId, ...range, at: circumstances.at } as const
    const handled = await bus.handle(feed, feedId, command, circumstances)
    const granted = handled.state.status === 'absent' ? undefined : handled.state.grants.get(operatorId)
    show({ feed_id: feedId, operator_id: operatorId, ...granted, ...written(handled) }, options, () =>
      handled.events.length > 0
        ? colours.green(`${name} may use ${feedId} from ${granted?.from} to ${granted?.to}.`)
        : colours.yellow(`${name} may do so already; nothing was written.`),
    )
  })
}

function uuid(value: string): string {
  if (z.uuid().safeParse(value).success) return value.toLowerCase()
  throw new InvalidArgumentError('It must be a UUID.')
}

function time(value: string): string {
  const ms = timeMs(value)
  if (!Number.isNaN(ms)) return new Date(ms).toISOString()
  throw new InvalidArgumentError('A time looks like 2026-01-05T00:00:00Z.')
}
