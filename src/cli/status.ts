/** `opslog status`: how it is asked for; what it shows stands in status-report.ts. */
import { Command } from 'commander'
import type { StatusOptions } from './status-report.ts'

export const statusCommand = (): Command =>
  new Command('status')
    .option('--url <url>', 'address of /readyz and /metrics (default: the instance of DATA_DIR)')
    .option('--watch', 'draw it anew every two seconds, until Ctrl-C')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Exit codes: 0 all is well, 1 degraded, 3 down.

Examples:
  opslog status
  opslog status --watch
  opslog status --url http://10.0.0.7:9090 --json`,
    )
    .action(async (options: StatusOptions) => (await import('./status-report.ts')).status(options))
