/** `opslog audit`: what an auditor asks of the log. Everything but `seal` only reads. */
import { Command } from 'commander'
import type { ExportOptions } from './audit-export.ts'
import type { AsOfOptions, HistoryOptions } from './audit-reading.ts'
import type { SealOptions } from './audit-seal.ts'
import type { VerifyOptions } from './audit-verify.ts'
import { examples } from './examples.ts'
import { type OutputOptions, withOutput, withReport } from './table-output.ts'
import { withWindow } from './window-options.ts'

const reading = () => import('./audit-reading.ts')
const sealing = () => import('./audit-seal.ts')

export function auditCommand(): Command {
  const audit = new Command('audit')
  withReport(audit.command('verify'))
    .description('read the log and name every event that is wrong: chains, gaps, duplicates, transitions, balances')
    .option('--all', 'the whole log (default)')
    .option('--stream <name>', 'one stream only')
    .option('--category <name>', 'the streams of one category only')
    .option('--seals', 'check the seals that the log holds as well')
    .option('--seal-file <file>', 'check seals that were kept elsewhere, as `seal --out` wrote them')
    .option(
      '--export <file>',
      'compare with what `export --out` wrote earlier: names what was altered since, to the tick',
    )
    .option('--public-key <keys>', 'the keys that seals must be made with, in base64 or as files, divided by commas')
    .addHelpText('after', examples('', '--seals --seal-file seals.ndjson --public-key seal.pub'))
    .action(async (options: VerifyOptions) => (await import('./audit-verify.ts')).verify(options))
  withWindow(withOutput(audit.command('history')), 'events')
    .description('all that happened to one thing, in sentences')
    .argument(
      '<thing>',
      'a stream, or what has an id: account, user, job, submission, worker, request …; also by external id or slug',
    )
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .addHelpText('after', examples('ACC-1001', 'ACC-1001 --since 2026-03-01T09:30:00Z --limit 20'))
    .action(async (thing: string, options: HistoryOptions) => (await reading()).history(thing, options))
  withReport(audit.command('trace'))
    .description('what a request has caused, step by step')
    .argument('<id>', 'correlation, request or command id')
    .addHelpText('after', examples('0b0f5c1e-7f0e-5d0c-9d6e-5f6f70736c67'))
    .action(async (id: string, options: OutputOptions) => (await reading()).trace(id, options))
  withOutput(audit.command('as-of'))
    .description('the state at a moment, from the events alone')
    .argument('[thing]')
    .requiredOption('--at <moment>', 'time (RFC 3339) or log position')
    .option('--diff <moment>', 'what is different at this moment')
    .option('--table <name>', 'a read model as it was then')
    .addHelpText(
      'after',
      examples(
        'ACC-1001 --at 2026-03-01T09:30:00Z --diff 2026-03-02T09:30:00Z',
        '--table noctant_accounts --at 2026-03-01T00:00:00Z --csv',
      ),
    )
    .action(async (thing: string | undefined, options: AsOfOptions) => (await reading()).asOf(thing, options))
  addKeeping(audit)
  return audit.addHelpText(
    'after',
    `
Examples:
  opslog audit verify --seals                              exit code 1 where anything is wrong, 4 without a pinned key
  opslog audit history ACC-1001                            by the operator's own account id
  opslog audit history job_01KJPV4G8R0000000000000001      across wallet, job, submissions and webhooks
  opslog audit trace 0b0f5c1e-7f0e-5d0c-9d6e-5f6f70736c67
  opslog audit as-of ACC-1001 --at 2026-03-01T09:30:00Z --diff 2026-03-02T09:30:00Z
  opslog audit as-of --table noctant_accounts --at 2026-03-01T00:00:00Z --csv
  opslog audit seal --out seals.ndjson
  opslog audit seals --json
  opslog audit export --out log.ndjson && node scripts/verify-export.mjs log.ndjson`,
  )
}

/** What is kept elsewhere, for the log to be held against. */
function addKeeping(audit: Command): void {
  audit
    .command('export')
    .description('events as NDJSON with their exact bytes; scripts/verify-export.mjs checks the file')
    .option('--from <moment>', 'time or position of the first event')
    .option('--to <moment>', 'time or position of the last event')
    .option('--category <name>', 'the streams of one category only')
    .option('--out <file>', 'file to create instead of standard output')
    .addHelpText(
      'after',
      examples('--out log.ndjson', '--category noctant.account --from 2026-03-01T00:00:00Z --out march.ndjson'),
    )
    .action(async (options: ExportOptions) => (await import('./audit-export.ts')).exportEvents(options))
  audit
    .command('seal')
    .description('sign all that the log holds, append the seal, print it')
    .option('--json', 'print JSON')
    .option('--out <file>', 'append the seal to this file as well; keep it elsewhere')
    .addHelpText('after', examples('--out seals.ndjson'))
    .action(async (options: SealOptions) => (await sealing()).seal(options))
  withOutput(audit.command('seals'))
    .description('print the seals that the log holds; keep copies elsewhere')
    .addHelpText('after', examples('--json'))
    .action(async (options: OutputOptions) => (await sealing()).seals(options))
}
