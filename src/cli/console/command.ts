/** `opslog console`: a link that opens the console to an administrator, once and for minutes. */
import { Command } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import type { ConsoleOptions } from './link.ts'

export const consoleCommand = (tools: AdminTools): Command =>
  new Command('console')
    .option('--read-only', 'whoever uses the link can look, and change nothing')
    .option('--open', 'open it in this machine’s browser')
    .option('--url <url>', 'where the instance is reached (default: PUBLIC_URL, or the instance of DATA_DIR)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The link works once, and for CONSOLE_LINK_TTL_S seconds. Whoever has it may do everything, so pass it on to nobody.

Examples:
  opslog console
  opslog console --read-only --open`,
    )
    .action(async (options: ConsoleOptions) => (await import('./link.ts')).printLink(tools, options))
