/** `opslog projections`: what an engineer does to the read models while traffic goes on. */
import { Command, InvalidArgumentError } from 'commander'
import { examples } from './examples.ts'
import type { ParkedOptions } from './projections-parked.ts'
import type { RebuildOptions } from './projections-rebuild.ts'
import { type OutputOptions, withOutput, withReport } from './table-output.ts'

const pausing = () => import('./projections-pause.ts')
const parking = () => import('./projections-parked.ts')
const rebuilding = () => import('./projections-rebuild.ts')

const DIFFERENCES_MAX = 1_000

function limit(value: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('A whole number from 1.')
  return number
}

const withLimit = (command: Command): Command =>
  withReport(command).option('--limit <rows>', 'differing rows to show; all are counted', limit, DIFFERENCES_MAX)

export function projectionsCommand(): Command {
  const projections = new Command('projections')
  withOutput(projections.command('status'))
    .description('version, position, lag and rate of each, what is parked, what is being built')
    .option('-f, --follow', 'a line of each context whenever it moves, until Ctrl-C')
    .addHelpText('after', examples('', '--follow'))
    .action(async (options: OutputOptions & { follow?: boolean }) =>
      (await import('./projections-status.ts')).status(options),
    )
  withLimit(projections.command('rebuild'))
    .description('build tables anew from the log, compare, and put them in the place of the live ones')
    .argument('[names...]')
    .option('--all', 'every projection')
    .option('--dry-run', 'say how long it would take, from a few seconds’ sample')
    .option('--keep-previous', 'keep the old tables for a rollback')
    .option('--require-equal', 'leave the live tables where a row differs')
    .option('--fresh', 'begin anew, even where an earlier run can be gone on with')
    .addHelpText('after', examples('noctant.order --dry-run', 'noctant.order --keep-previous'))
    .action(async (names: string[], options: RebuildOptions) => (await rebuilding()).rebuildProjections(names, options))
  withLimit(projections.command('verify'))
    .description('build tables anew and report every row and column that differs from the live ones; changes nothing')
    .argument('[names...]')
    .option('--all', 'every projection')
    .addHelpText('after', examples('--all', 'noctant.order noctant.trade --limit 20'))
    .action(async (names: string[], options: RebuildOptions) => (await rebuilding()).verifyProjections(names, options))
  withLimit(projections.command('rollback'))
    .description('bring the tables kept by --keep-previous up to date and put them back')
    .argument('<name>')
    .addHelpText('after', examples('noctant.order'))
    .action(async (name: string, options: RebuildOptions) => (await rebuilding()).rollbackProjection(name, options))
  projections.addCommand(parkedCommand())
  projections
    .command('pause')
    .description('let no process write the read models, until resume; reads go on')
    .option('--json', 'print JSON')
    .addHelpText('after', examples())
    .action(async (options: OutputOptions) => (await pausing()).pause(options))
  projections
    .command('resume')
    .description('go on after a pause')
    .option('--json', 'print JSON')
    .addHelpText('after', examples())
    .action(async (options: OutputOptions) => (await pausing()).resume(options))
  return projections.addHelpText(
    'after',
    `
Examples:
  opslog projections status
  opslog projections verify --all                        is any row not what the events say? (exit code 1: yes)
  opslog projections rebuild noctant.order --dry-run
  opslog projections rebuild noctant.order --keep-previous
  opslog projections rollback noctant.order
  opslog projections parked list`,
  )
}

function parkedCommand(): Command {
  const parked = new Command('parked').description('events that a projection could not take in')
  withOutput(parked.command('list'))
    .description('what is parked, and why')
    .option('--projection <name>')
    .addHelpText('after', examples('', '--projection noctant.user'))
    .action(async (options: ParkedOptions) => (await parking()).listParked(options))
  withReport(parked.command('retry'))
    .description('take them in, once the cause has been mended')
    .argument('[stream]')
    .option('--projection <name>')
    .option('--all', 'every stream')
    .addHelpText('after', examples('noctant.user-6f1d5c1e-7f0e-5d0c-9d6e-5f6f70736c67', '--all'))
    .action(async (stream: string | undefined, options: ParkedOptions) =>
      (await parking()).retryStreams(stream, options),
    )
  withReport(parked.command('skip'))
    .description('give up the first parked event of a stream, and take in what waits behind it')
    .argument('<stream>')
    .option('--projection <name>')
    .addHelpText('after', examples('noctant.user-6f1d5c1e-7f0e-5d0c-9d6e-5f6f70736c67'))
    .action(async (stream: string, options: ParkedOptions) => (await parking()).skipFirst(stream, options))
  return parked
}
