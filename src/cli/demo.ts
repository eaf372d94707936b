/**
 * `opslog demo`: an operator's day against the running instance, over HTTP alone. It shows each step as it goes and ends
 * with a table of what it checked; a single check that fails makes it exit 1.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { type ContextName, loadContexts } from '../contexts.ts'
import { withAdminSession } from './admin-session.ts'
import { configuration, runningServices, sandboxOperator } from './connection.ts'
import { type Checklist, createChecklist } from './demo/checks.ts'
import { createClient, type Target } from './demo/client.ts'
import { closeAll, disableAccount, readBooks } from './demo/closing.ts'
import { awaitEngine, openAccount, provisionUser, signIn } from './demo/opening.ts'
import { createOperatorClient } from './demo/operator-client.ts'
import { payoutChapters } from './demo/payout.ts'
import { createProgress } from './demo/progress.ts'
import type { DemoChapter } from './demo/setting.ts'
import type { Story } from './demo/story.ts'
import { placeOrders, readPositions } from './demo/trading.ts'
import { table } from './table.ts'
import { CliError, colours, EXIT, remark, show } from './terminal.ts'

export interface DemoOptions {
  url?: string
  key?: string
  keyFile?: string
  engineUrl?: string
  engineToken?: string
  /** Seconds. */
  patience: number
  json?: boolean
}

/** Bounds of a run: an instance that restarts meanwhile is waited for, one that is gone is given up. */
const limits = { requestTimeoutMs: 10_000, unreachableMaxMs: 30_000, retryIntervalMs: 250 }
const pollIntervalMs = 25
const WAITING_REQUEST_MS = 70_000

type Chapter = readonly [title: string, work: (story: Story, say: (note: string) => void) => Promise<void>]

const chapters: readonly Chapter[] = [
  ['Sign in', signIn],
  ['Provision a user', provisionUser],
  ['Open an account', openAccount],
  ['Wait until the engine has it', awaitEngine],
  ['Place orders as the trader', placeOrders],
  ['Read the positions', readPositions],
  ['Close everything', closeAll],
  ['Check the books', readBooks],
  ['Disable the account', disableAccount],
]

export function demoCommand(): Command {
  return new Command('demo')
    .option('--url <url>', "the API's address (default: the instance of DATA_DIR)")
    .option('--key <key>', "the operator's API key (default: the sandbox operator's)")
    .option('--key-file <file>', 'the same from a file, which no list of processes shows')
    .option('--engine-url <url>', "the engine's order entry")
    .option('--engine-token <token>', 'its token')
    .option('--patience <seconds>', 'how long to wait for what must come about', seconds, 20)
    .option('--json', 'print the checks as JSON; progress goes to standard error')
    .addHelpText(
      'after',
      '\nExamples:\n  opslog demo\n  opslog demo --json | jq .passed\n  opslog demo payout\n  opslog demo firsthand\n  opslog demo rungate',
    )
    .action((options: DemoOptions) => demo(options, chapters))
    .addCommand(
      new Command('firsthand')
        .description('credits, a job, its files and who is paid')
        .action((_, command: Command) => contextDemo('firsthand', command.optsWithGlobals<DemoOptions>())),
    )
    .addCommand(
      new Command('rungate')
        .description('calls of models under a budget, by both libraries')
        .action((_, command: Command) => contextDemo('rungate', command.optsWithGlobals<DemoOptions>())),
    )
    .addCommand(
      new Command('payout')
        .description('a challenge from launch to paid-out')
        .action((_, command: Command) => demo(command.optsWithGlobals<DemoOptions>(), payoutChapters())),
    )
}

/** The demo that the context declares, on the instance of DATA_DIR. */
async function contextDemo(name: ContextName, options: DemoOptions): Promise<void> {
  const [context] = await loadContexts([name])
  if (!context?.demo) throw new CliError(EXIT.usage, `the context ${name} has no demo`)
  const started = performance.now()
  const checklist = createChecklist()
  const waits = { waitMaxMs: options.patience * 1_000, pollIntervalMs }
  // A request may wait for a minute by itself.
  const patient = { ...limits, requestTimeoutMs: WAITING_REQUEST_MS }
  const { DATA_DIR: dataDirectory } = configuration()
  const running = () => ({
    apiUrl: runningApiUrl(dataDirectory),
    allowsLoopback: runningServices(dataDirectory).settings?.WEBHOOK_ALLOW_PRIVATE === true,
  })
  const setting = { dataDirectory, running, withSession: withAdminSession, checks: checklist, limits: patient, waits }
  const { run, chapters, close } = (await context.demo())(setting)
  try {
    await tell(options, chapters)
  } finally {
    await close?.()
  }
  finish(options, { run, checks: checklist }, started)
}

async function demo(options: DemoOptions, chapters: readonly Chapter[]): Promise<void> {
  const started = performance.now()
  const checks = createChecklist()
  const story = begin(options, checks)
  if (options.key) remark(colours.dim('A key given with --key shows in lists of processes; --key-file does not.'))
  await tell(
    options,
    chapters.map(([title, work]) => [title, (say) => work(story, say)] as const),
  )
  finish(options, story, started)
}

async function tell(options: DemoOptions, chapters: readonly DemoChapter[]): Promise<void> {
  const progress = createProgress(options.json ? process.stderr : process.stdout)
  for (const [title, work] of chapters) await progress.step(title, work)
}

function finish(options: DemoOptions, of: Pick<Story, 'run' | 'checks'>, started: number): void {
  report(options, of, Math.round(performance.now() - started))
  if (of.checks.checks.some(({ ok }) => !ok)) process.exitCode = EXIT.refused
}

/** A run with clients of its own. Throws CliError where the instance, its engine or the operator's key is not to be found. */
export function begin(options: DemoOptions, checks: Checklist): Story {
  const { DATA_DIR } = configuration()
  const operator = (): Target => {
    const { url } = options
    const key = givenKey(options)
    const stored = url && key ? undefined : sandboxOperator(DATA_DIR)
    return { url: contextUrl(url ?? runningApiUrl(DATA_DIR)), token: key ?? stored!.api_key }
  }
  const trader = (): Target => {
    const { engineUrl, engineToken } = options
    if (engineUrl && engineToken) return { url: trimmed(engineUrl), token: engineToken }
    const { engine } = runningServices(DATA_DIR)
    if (engine) return { url: trimmed(engine.url), token: engine.token }
    const hint = 'Run an instance with the engine role, or pass --engine-url and --engine-token.'
    throw new CliError(EXIT.unreachable, 'the running instance has no engine', hint)
  }
  // Asked once now, so that a missing instance is reported at once; later questions may wait for a restart.
  operator()
  trader()
  return {
    operator: createOperatorClient(operator, limits),
    trader: createClient('order entry', trader, limits),
    checks,
    run: `${Date.now().toString(36)}-${randomBytes(3).toString('hex')}`,
    waits: { waitMaxMs: options.patience * 1_000, pollIntervalMs },
    found: { globalUserId: '', accountId: '', orders: [] },
  }
}

function givenKey({ key, keyFile }: DemoOptions): string | undefined {
  if (keyFile === undefined) return key
  try {
    return readFileSync(keyFile, 'utf8').trim()
  } catch (error) {
    throw new CliError(EXIT.usage, `the key cannot be read: ${(error as Error).message}`)
  }
}

function runningApiUrl(dataDir: string): string {
  const { api } = runningServices(dataDir)
  if (api) return api.url
  throw new CliError(EXIT.unreachable, 'the running instance has no API', 'Run one with the api role, or pass --url.')
}

function seconds(value: string): number {
  const parsed = Number(value)
  if (parsed > 0 && parsed <= 3_600) return parsed
  throw new InvalidArgumentError('Use a number of seconds, up to 3600.')
}

const trimmed = (url: string): string => url.replace(/\/+$/, '')

/** The address of context noctant, whether the given one names it or only the service. */
const contextUrl = (url: string): string => (/\/noctant\/*$/.test(url) ? trimmed(url) : `${trimmed(url)}/noctant`)

function report(options: DemoOptions, story: Pick<Story, 'run' | 'checks'>, tookMs: number): void {
  const { checks } = story.checks
  const passed = checks.filter(({ ok }) => ok).length
  const value = { run: story.run, passed, failed: checks.length - passed, took_ms: tookMs, checks }
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
