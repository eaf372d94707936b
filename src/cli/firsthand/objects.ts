/** `opslog admin firsthand objects verify`: the files in the object store against the log. */
import { join } from 'node:path'
import { Command } from 'commander'
import { openObjectStore } from '../../adapters/object-store/open-store.ts'
import { checkObjects, type ObjectReport } from '../../processes/firsthand/object-check.ts'
import { firsthandSettings } from '../../processes/firsthand/settings.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { table } from '../table.ts'
import { type OutputOptions, withScreen } from '../table-output.ts'
import { colours, EXIT, show } from '../terminal.ts'

interface VerifyOptions extends OutputOptions {
  sizesOnly?: boolean
}

const FINDINGS_MAX = 1_000

export function objectsCommand({ withSession, settings, dataDirectory }: AdminTools): Command {
  const command = new Command('objects').description('compare the object store with the log')
  withScreen(command.command('verify'))
    .description('find files that are missing, or whose bytes are others than those on record; 1: there are some')
    .option('--sizes-only', 'compare sizes, and read no bytes')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('', '--sizes-only --json'))
    .action(async (options: VerifyOptions) => {
      const directory = join(dataDirectory(), 'objects')
      const now = () => new Date()
      const disk = { directory, keys: () => [], linkBase: () => '', now }
      const objects = await openObjectStore(settings(firsthandSettings), disk)
      const how = { sizesOnly: options.sizesOnly === true, findingsMax: FINDINGS_MAX }
      const report = await withSession(({ db }) => checkObjects({ db, objects, now, ...how }))
      show(report, options, () => told(report, options))
      if (report.findings_total > 0) process.exitCode = EXIT.refused
    })
  return command
}

function told({ objects, bytes, findings, findings_total: total }: ObjectReport, options: OutputOptions): string {
  const looked = `${objects} files with ${bytes} bytes`
  if (total === 0) return colours.green(`${looked}: all are as the log has them.`)
  const rows = findings.map(({ file_id, copy, kind, job_id, object_key }) => [
    ...[file_id, copy, colours.red(kind), job_id, object_key],
  ])
  return `${table(['file', 'copy', 'fault', 'job', 'key'], rows, options)}\n${colours.red(`${looked}: ${total} are at fault.`)}`
}
