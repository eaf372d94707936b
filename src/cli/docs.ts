/** `opslog docs <code>`: what the page of a refusal's code says, without an instance. */
import { Command } from 'commander'

export const docsCommand = (): Command =>
  new Command('docs')
    .argument('<code>', 'of a refusal, such as idempotency_key_reused')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  opslog docs idempotency_key_reused\n  opslog docs account_not_found --json')
    .action(async (code: string, options: { json?: boolean }) =>
      (await import('./docs-problem.ts')).explain(code, options),
    )
