/** `opslog admin forget-user`: how it is called; what it does stands in forgetting.ts. */
import { Command } from 'commander'
import type { AdminTools } from '../admin-tools.ts'
import { CliError, EXIT, text } from '../terminal.ts'
import type { ForgetOptions } from './forgetting.ts'

export function forgetUserCommand(tools: AdminTools): Command {
  return new Command('forget-user')
    .argument('[global-user-id]', 'the user; or name it by --operator and --external-id')
    .option('--operator <slug|id>', 'whose user it is')
    .option('--external-id <id>', 'as the operator knows the user')
    .option(
      '--reference <text>',
      'of the request to forget, kept in the record; nothing personal',
      text('reference', 200),
    )
    .option('--yes', 'do it without asking')
    .option('--json', 'print JSON; needs --yes')
    .addHelpText(
      'after',
      `
Email, display name, KYC references, account names, return URLs and webhook bodies of this person become unreadable, in
the log, in every copy of it and in every read model; rebuilds give the same, and the hash chains hold. Accounts, trades,
payouts and the user's ids stay. It cannot be undone. Safe to run again, and to be run again where it was cut short.

Examples:
  opslog admin forget-user --operator acme --external-id user-1001 \\
    --reference DSR-2026-017
  opslog admin forget-user 6f1d5c1e-7f0e-5d0c-9d6e-5f6f70736c67 --yes --json

Exit codes: 0 forgotten (or was before), 1 there is no such user, or you said no, 2 wrong usage, 3 not reachable, or
forgotten while an older transaction keeps the key's bytes in Postgres's file: run it again.`,
    )
    .action(async (globalUserId: string | undefined, options: ForgetOptions) => {
      if (options.json && !options.yes) throw new CliError(EXIT.usage, '--json needs --yes: a script cannot be asked')
      await (await import('./forgetting.ts')).forgetUser(tools, globalUserId, options)
    })
}
