/**
 * The command line. Each part of it stands in a file of its own; here they are put together, and here every ending gets
 * its exit code: 0 done, 1 refused, not found or a check that failed, 2 wrong usage, 3 the service cannot be reached.
 */
import { Command } from 'commander'
import { loadContextClis } from '../contexts.ts'
import { examplesOf, type Tools } from './context-cli.ts'
import { explain } from './endings.ts'
import { helpBehind, helpWords } from './help-words.ts'
import { addParts, type Parts } from './parts.ts'
import { printWaiting, screenWidth, wrapped } from './screen.ts'

/** What stands before the contexts' own commands. */
const first: Parts = {
  status: {
    summary: 'how the instance is doing, on one screen',
    load: async () => (await import('./status.ts')).statusCommand(),
  },
  events: {
    summary: 'the tail of the log, and what comes',
    load: async () => (await import('./events.ts')).eventsCommand(),
  },
  demo: {
    summary: 'what the contexts do, shown on the running instance',
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
  admin: {
    summary: 'tenants of the contexts, their API keys, and auditors’ keys',
    load: async (rest) => (await import('./admin.ts')).adminCommand(rest),
  },
  audit: {
    summary: 'the log as an auditor reads it: history, causes, states, verification',
    load: async () => (await import('./audit.ts')).auditCommand(),
  },
}

/** And behind them. */
const last: Parts = {
  projections: {
    summary: 'the read models: where they stand, rebuild, verify, repair',
    load: async () => (await import('./projections.ts')).projectionsCommand(),
  },
  'dead-letters': {
    summary: 'commands and webhooks that were given up',
    load: async () => (await import('./dead-letters.ts')).deadLettersCommand(),
  },
  store: {
    summary: 'the embedded event store node and its data directory',
    load: async () => (await import('./store.ts')).storeCommand(),
  },
  config: {
    summary: 'every setting of the environment, its default, and its value here',
    load: async () => (await import('./config.ts')).configCommand(),
  },
  docs: {
    summary: 'what the code of a refusal means, and what to do',
    load: async () => (await import('./docs.ts')).docsCommand(),
  },
  completion: {
    summary: 'a script that completes commands, options and names in bash, zsh or fish',
    load: async () => (await import('./completion.ts')).completionCommand(),
  },
}

const tools: Tools = async () => (await import('./tools.ts')).adminTools

/** Runs `opslog <args>` and sets `process.exitCode`. Writes to standard output and standard error. */
export async function run(args: readonly string[]): Promise<void> {
  const wantsJson = args.includes('--json')
  try {
    if (args[0] === 'completion' && args[1] === '--words') return await printCompletions(args.slice(2))
    const words = helpBehind(args)
    const program = await programFor(words)
    unifyScreens(program, wantsJson)
    if (args[0] === '--version' || args[0] === '-V') return await printVersion()
    if (args.length === 0) program.outputHelp()
    else await program.parseAsync(helpWords(program, words), { from: 'user' })
  } catch (error) {
    process.exitCode = await explain(error, wantsJson)
  } finally {
    printWaiting()
  }
}

async function printVersion(): Promise<void> {
  const { versionLine } = await import('../runtime/version.ts')
  process.stdout.write(`${versionLine()}\n`)
}

/** What the last word may become, a line each; parts are loaded as for the command that the words are of. */
async function printCompletions(words: readonly string[]): Promise<void> {
  const { completions } = await import('./completion.ts')
  const found = await completions(await programFor(words), words)
  process.stdout.write(found.map((line) => `${line}\n`).join(''))
}

/** The commands, of which those are loaded that the arguments lead to. */
export async function programFor(args: readonly string[]): Promise<Command> {
  const clis = (await loadContextClis()).map(({ cli }) => cli)
  const program = new Command('opslog')
    .description(
      'opslog from the command line: administration, the trader’s terminal, the read models, the event store, a demo',
    )
    .helpCommand('help [command]', 'what a command does')
    .option('-V, --version', 'which opslog this is')
    .showHelpAfterError('(--help says more)')
    .addHelpText(
      'after',
      `${examplesOf(clis, 'commands')}

In the project's directory it is run as npm run opslog -- <command>, for scripts with npm run --silent.

The services are those of the instance that runs on DATA_DIR (./data), unless EVENTSTORE_URL, DATABASE_URL and
NATS_URL say otherwise. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the service cannot be reached.`,
    )
  const ofContexts = clis.map((cli) => cli.commands?.(tools) ?? {})
  await addParts(program, Object.assign({}, first, ...ofContexts, last), args)
  return program
}

/** The width that help has where nothing says how wide the screen is. */
const HELP_WIDTH = 80

/**
 * Lets errors of usage come back here, from every command below as well; for scripts they are said as JSON alone. Help
 * and errors fit the screen.
 */
function unifyScreens(command: Command, wantsJson: boolean): void {
  const { stdout, stderr } = process
  command.exitOverride()
  command.configureOutput({
    getOutHelpWidth: () => screenWidth() ?? HELP_WIDTH,
    getErrHelpWidth: () => screenWidth(stderr) ?? HELP_WIDTH,
    writeOut: (text) => void stdout.write(wrapped(text, screenWidth())),
    writeErr: (text) => void (wantsJson || stderr.write(wrapped(text, screenWidth(stderr)))),
  })
  for (const below of command.commands) unifyScreens(below, wantsJson)
}
