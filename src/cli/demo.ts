/**
 * `opslog demo`: what the contexts show of themselves against the running instance. It shows each step as it goes and ends
 * with a table of what it checked; a single check that fails makes it exit 1.
 */
import { Command, InvalidArgumentError } from 'commander'
import { loadContextClis } from '../contexts.ts'
import type { ContextCli } from './context-cli.ts'
import { type Checklist, createChecklist } from './demo/checks.ts'
import { createProgress } from './demo/progress.ts'
import { type DemoChapter, demoLimits, demoWaits, type GivenTarget } from './demo/setting.ts'
import { examples } from './examples.ts'
import { table } from './table.ts'
import { CliError, colours, EXIT, remark, show } from './terminal.ts'
import { adminTools as tools } from './tools.ts'

interface DemoOptions extends GivenTarget {
  /** Seconds. */
  patience: number
  json?: boolean
}

type Demos = Required<ContextCli>['demos']

export async function demoCommand(): Promise<Command> {
  const clis = await loadContextClis()
  const demos: Demos = Object.assign({}, ...clis.map(({ cli }) => cli.demos ?? {}))
  const [first = '', ...others] = Object.keys(demos)
  const command = new Command('demo')
    .option('--url <url>', "the API's address (default: the instance of DATA_DIR)")
    .option('--key <key>', "the tenant's API key (default: the sandbox's)")
    .option('--key-file <file>', 'the same from a file, which no list of processes shows')
    .option('--engine-url <url>', "the engine's order entry")
    .option('--engine-token <token>', 'its token')
    .option('--patience <seconds>', 'how long to wait for what must come about', seconds, 20)
    .option('--keep', 'leave the files that it has made in the data directory')
    .option('--json', 'print the checks as JSON; progress goes to standard error')
    .addHelpText(
      'after',
      [
        '\nExamples:',
        'opslog demo',
        'opslog demo --json | jq .passed',
        ...others.map((name) => `opslog demo ${name}`),
      ].join('\n  '),
    )
    .action((options: DemoOptions) => demo(demos, first, options))
  for (const name of others) {
    const part = new Command(name).description(demos[name]?.summary ?? '').addHelpText('after', examples())
    command.addCommand(part.action((_, of: Command) => demo(demos, name, of.optsWithGlobals<DemoOptions>())))
  }
  return command
}

/** The demo of this name, on the instance of DATA_DIR unless options name another. */
async function demo(demos: Demos, name: string, options: DemoOptions): Promise<void> {
  const started = performance.now()
  const checks = createChecklist()
  const setting = {
    ...{ given: options, tools, dataDirectory: tools.dataDirectory(), withSession: tools.withSession, checks },
    running: () => ({
      apiUrl: runningApiUrl(),
      allowsLoopback: tools.running().settings?.WEBHOOK_ALLOW_PRIVATE === true,
    }),
    ...{ limits: demoLimits, waits: demoWaits(options.patience) },
  }
  const { run, chapters, close } = (await demos[name]!.load())(setting)
  if (options.key) remark(colours.dim('A key given with --key shows in lists of processes; --key-file does not.'))
  try {
    await tell(options, chapters)
  } finally {
    await close?.()
  }
  report(options, { run, checks }, Math.round(performance.now() - started))
  if (checks.checks.some(({ ok }) => !ok)) process.exitCode = EXIT.refused
}

async function tell(options: DemoOptions, chapters: readonly DemoChapter[]): Promise<void> {
  const progress = createProgress(options.json ? process.stderr : process.stdout)
  for (const [title, work] of chapters) await progress.step(title, work)
}

function runningApiUrl(): string {
  const { api } = tools.running()
  if (api) return api.url
  throw new CliError(EXIT.unreachable, 'the running instance has no API', 'Run one with the api role, or pass --url.')
}

function seconds(value: string): number {
  const parsed = Number(value)
  if (parsed > 0 && parsed <= 3_600) return parsed
  throw new InvalidArgumentError('Use a number of seconds, up to 3600.')
}

function report(options: DemoOptions, of: { run: string; checks: Checklist }, tookMs: number): void {
  const { checks } = of.checks
  const passed = checks.filter(({ ok }) => ok).length
  const value = { run: of.run, passed, failed: checks.length - passed, took_ms: tookMs, checks }
  show(value, options, () => {
    const rows = checks.map(({ name, expected, seen, ok }) => [
      name,
      expected,
      ok ? seen : colours.red(seen),
      ok ? colours.green('ok') : colours.red('NO'),
    ])
    const line = `${passed} of ${checks.length} checks hold, in ${(tookMs / 1_000).toFixed(1)} s`
    const verdict = passed === checks.length ? colours.green(`${line}.`) : colours.red(`${line}: something is off.`)
    return `\n${table(['check', { name: 'expected', rank: 3 }, { name: 'seen', rank: 2 }, { name: 'ok', rank: 1 }], rows)}\n${verdict}`
  })
}
