#!/usr/bin/env node
/**
 * The command line. Each part of it stands in a file of its own; here they are put together, and here every ending gets
 * its exit code: 0 done, 1 refused, not found or a check that failed, 2 wrong usage, 3 the service cannot be reached.
 */
import { Command } from 'commander'
import { EXIT, explain } from './terminal.ts'

/** Only what is asked for is loaded: the rest of the house takes longer to load than most commands take to run. */
const parts: Record<string, () => Promise<Command>> = {
  demo: async () => (await import('./demo.ts')).demoCommand(),
  admin: async () => (await import('./admin.ts')).adminCommand(),
  audit: async () => (await import('./audit.ts')).auditCommand(),
  engine: async () => (await import('./engine.ts')).engineCommand(),
  projections: async () => (await import('./projections.ts')).projectionsCommand(),
  'dead-letters': async () => (await import('./dead-letters.ts')).deadLettersCommand(),
  store: async () => (await import('./store.ts')).storeCommand(),
  config: async () => (await import('./config.ts')).configCommand(),
}

const asked = parts[process.argv[2] ?? '']
const program = new Command('opslog')
  .description(
    'opslog from the command line: administration, the trader’s terminal, the read models, the event store, a demo',
  )
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

In the project's directory it is run as npm run opslog -- <command>, for scripts with npm run --silent.

The services are those of the instance that runs on DATA_DIR (./data), unless EVENTSTORE_URL, DATABASE_URL and
NATS_URL say otherwise. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the service cannot be reached.`,
  )

for (const load of asked ? [asked] : Object.values(parts)) program.addCommand(await load())

const wantsJson = process.argv.includes('--json')

/** Lets errors of usage come back here, from every command below as well; for scripts they are said as JSON alone. */
function unifyEndings(command: Command): void {
  command.exitOverride()
  if (wantsJson) command.configureOutput({ writeErr: () => undefined })
  for (const below of command.commands) unifyEndings(below)
}

unifyEndings(program)
// A reader may close the pipe early, as `| head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.refused),
)

if (process.argv.length <= 2) {
  program.outputHelp()
} else {
  try {
    await program.parseAsync()
  } catch (error) {
    process.exitCode = explain(error, wantsJson)
  }
}
