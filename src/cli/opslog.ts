#!/usr/bin/env node
/**
 * The command line. Each part of it stands in a file of its own; here they are put together, and here every ending gets
 * its exit code: 0 done, 1 refused, not found or a check that failed, 2 wrong usage, 3 the service cannot be reached.
 */
import { Command } from 'commander'
import { adminCommand } from './admin.ts'
import { auditCommand } from './audit.ts'
import { configCommand } from './config.ts'
import { deadLettersCommand } from './dead-letters.ts'
import { demoCommand } from './demo.ts'
import { engineCommand } from './engine.ts'
import { projectionsCommand } from './projections.ts'
import { storeCommand } from './store.ts'
import { EXIT, explain } from './terminal.ts'

const program = new Command('opslog')
  .description(
    'opslog from the command line: administration, the trader’s terminal, the read models, the event store, a demo',
  )
  .addCommand(demoCommand())
  .addCommand(adminCommand())
  .addCommand(auditCommand())
  .addCommand(engineCommand())
  .addCommand(projectionsCommand())
  .addCommand(deadLettersCommand())
  .addCommand(storeCommand())
  .addCommand(configCommand())
  .helpCommand('help [command]', 'what a command does')
  .showHelpAfterError('(--help says more)')
  .addHelpText(
    'after',
    `
Examples:
  opslog demo                                             an operator's day against the running instance
  opslog admin operator create --name "Acme" --slug acme  a new tenant
  opslog admin key issue acme --all-scopes                and its API key
  opslog engine price                                     what the market says
  opslog admin operator list --json                       for scripts

The services are those of the instance that runs on DATA_DIR (./data), unless EVENTSTORE_URL, DATABASE_URL and
NATS_URL say otherwise. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the service cannot be reached.`,
  )

/** Lets errors of usage come back here, from every command below as well. */
function unifyEndings(command: Command): void {
  command.exitOverride()
  for (const below of command.commands) unifyEndings(below)
}

unifyEndings(program)
// A reader that has seen enough, as `| head` does, is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.refused),
)

if (process.argv.length <= 2) {
  program.outputHelp()
} else {
  try {
    await program.parseAsync()
  } catch (error) {
    process.exitCode = explain(error, process.argv.includes('--json'))
  }
}
