/**
 * Starts an instance: configuration, data directory, backing services, roles; says what it started and where; and stops
 * it in order. `node src/main.ts --roles api,projector` runs a part of it.
 */

import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import pico from 'picocolors'
import type { Logger } from 'pino'
import { type Config, loadConfig, ROLES, requirePublicUrl } from './config.ts'
import { closeToOthers, DataDirectoryInUse, lockDataDirectory } from './embedded/data-directory.ts'
import { LogMismatch, MISMATCH_REMEDY } from './events/log-identity.ts'
import { StoreUnavailable } from './events/store.ts'
import type { Instance } from './instance.ts'
import { openLog } from './log.ts'
import { failureOf } from './postgres/failure.ts'
import { crashPointFile } from './runtime/crash-points.ts'
import { InvalidConfiguration } from './runtime/invalid-configuration.ts'
import { version } from './runtime/version.ts'
import { within } from './runtime/within.ts'
import { lowerWorkerThreads } from './runtime/worker-priority.ts'
import type { Services } from './services/backing-services.ts'
import { checkGivenServices, refuseRolesApart, ServiceUnusable } from './services/preflight.ts'
import { guardProcess } from './services/stray-errors.ts'
import { closeTelemetry, telemetryWanted, traceFields, useTracer } from './telemetry.ts'

const HELP = `Starts opslog. Everything is set by environment variables; the README lists them.

Usage: npm start -- [options]

Options:
  --roles <list>  parts to run here: ${ROLES.join(', ')} (default: all, or ROLES)
  --help          this text

Examples:
  npm start                                     everything, in one process, data in ./data
  PORT=9000 DATA_DIR=/srv/opslog npm start      elsewhere
  EVENTSTORE_URL=esdb://10.0.0.5:2113?tls=false npm start -- --roles api
`

/** A fault that the operator of the instance can correct; shown without a stack trace. */
const EXIT_CANNOT_START = 1
const EXIT_USAGE = 2
/** A fault of ours, with a stack trace in the log; as sysexits.h has it. */
const EXIT_UNEXPECTED = 70
/** For the log's last lines, before the process ends without them. */
const FLUSH_MAX_MS = 1_000

function configuration(): Config {
  const { values } = parseArgs({ options: { roles: { type: 'string' }, help: { type: 'boolean', short: 'h' } } })
  if (values.help) {
    process.stdout.write(HELP)
    process.exit(0)
  }
  const config = loadConfig({ ...process.env, ...(values.roles === undefined ? {} : { ROLES: values.roles }) })
  refuseRolesApart(config)
  requirePublicUrl(config)
  return { ...config, DATA_DIR: resolve(config.DATA_DIR) }
}

/** What scripts and the CLI need to find this instance, readable by its owner alone. */
function writeServices(config: Config, services: Services, instance: Instance): string {
  const file = join(config.DATA_DIR, 'services.json')
  const { eventStore, postgres, stream } = services
  const content = {
    pid: process.pid,
    roles: config.ROLES,
    api: instance.api ? { url: instance.api.url } : null,
    eventStore,
    postgres,
    stream: { kind: stream.kind, url: stream.url },
    engine: instance.engine ?? null,
    health: { url: instance.health.url },
    settings: {
      WEBHOOK_ALLOW_PRIVATE: config.WEBHOOK_ALLOW_PRIVATE,
      ENGINE_CURRENCIES: config.ENGINE_CURRENCIES,
    },
  }
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return file
}

async function announce(
  config: Config,
  services: Services,
  instance: Instance,
  logPlace: string,
  tookMs: number,
): Promise<void> {
  const { api, engine } = instance
  const show = (label: string, text: string) => process.stdout.write(`  ${pico.dim(label.padEnd(15))} ${text}\n`)
  const bare = (url: string | null) => (url ?? '').replace(/\/\/[^@/]*@/, '//').replace(/\?.*/, '')
  const service = (kind: string, url: string | null, note = '') =>
    [kind.padEnd(10), bare(url), note && pico.dim(`(${note})`)].filter(Boolean).join(' ')
  process.stdout.write(
    `\n${pico.bold('opslog')} is up after ${(tookMs / 1_000).toFixed(1)} s, as ${config.ROLES.join(', ')}\n\n`,
  )
  show('event store', service(services.eventStore.kind, services.eventStore.url))
  show('Postgres', service(services.postgres.kind, services.postgres.url, services.postgres.note))
  const { stream } = services
  const note = stream.stream.isUp() ? stream.note : 'cannot be reached yet; commands wait for it'
  show('command stream', service(stream.kind, stream.url, note))
  if (engine) show('order entry', service('engine', engine.url))
  show('data', config.DATA_DIR)
  show('log', logPlace === '-' ? 'standard output' : logPlace)
  if (crashPointFile) show('crash points', pico.red(`live: ${crashPointFile} says where this process is to die`))
  if (!api) return
  show('API', pico.cyan(api.url))
  show('documents', pico.cyan(`${api.url}/docs`))
  // A link opens everything: it goes to a terminal alone, and into no log of a container or a supervisor.
  if (api.entrance) show('console', pico.cyan(process.stdout.isTTY ? await api.entrance() : `${api.url}/console`))
  for (const path of api.registersAt) show('register', pico.cyan(`${api.url}${path}`))
  if (instance.health.url !== api.url) show('metrics', pico.cyan(`${instance.health.url}/metrics`))
  if (api.firstRuns.size === 0) return void process.stdout.write('\n')
  const isShown = (created: boolean) => created && process.stdout.isTTY === true
  for (const [context, { file, apiKey, created }] of api.firstRuns) {
    show(`${context} key`, isShown(created) ? pico.green(apiKey) : `kept in ${file}`)
  }
  process.stdout.write('\nTry:\n')
  for (const { file, member, apiKey, path, created } of api.firstRuns.values()) {
    const key = isShown(created) ? apiKey : '$KEY'
    const read = `JSON.parse(require('fs').readFileSync('${file}')).${member}`
    if (!isShown(created)) process.stdout.write(`  KEY=$(node -p "${read}")\n`)
    process.stdout.write(`  curl -H "Authorization: Bearer ${key}" ${api.url}${path}\n`)
  }
  process.stdout.write('\n')
  process.stdout.write(`In another terminal: ${pico.bold('npm run demo')}. Ctrl-C stops everything; the data stays.\n`)
}

/** Resolves with the reason to stop. */
function stopRequested(services: Services): Promise<{ reason: string; failed: boolean }> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => resolve({ reason: signal, failed: false }))
    }
    services.failed.then((name) => resolve({ reason: `${name} has ended by itself`, failed: true }))
  })
}

/** Without it garbage collections hold up requests for longer; the instance starts all the same. */
function lowerWorkerPriority(log: Logger): void {
  try {
    lowerWorkerThreads()
  } catch (err) {
    log.warn({ err }, 'V8’s helper threads keep their priority')
  }
}

async function main(): Promise<number> {
  const startedMs = performance.now()
  // What an instance keeps, and every log, is for the user who runs it alone.
  process.umask(0o077)
  const config = configuration()
  const isNew = !existsSync(config.DATA_DIR)
  const lock = lockDataDirectory(config.DATA_DIR)
  const wanted = telemetryWanted(config.GIVEN)
  const { log, place } = await openLog(config, wanted.traces ? traceFields : undefined)
  try {
    guardProcess(log, FLUSH_MAX_MS, (error) => {
      // A process that finds its settings unusable says so while other parts start, so the start itself never hears of it.
      if (error instanceof InvalidConfiguration) return { text: cannotStart(error.message), code: EXIT_USAGE }
      const text = `opslog: unexpected error, see the log: ${error instanceof Error ? error.stack : error}\n`
      return { text, code: EXIT_UNEXPECTED }
    })
    lowerWorkerPriority(log)
    if (closeToOthers(config.DATA_DIR))
      say(`${config.DATA_DIR} was open to other users of this machine; it is closed now.`)
    await checkGivenServices(config, say)
    if (isNew) say(`First run: preparing ${config.DATA_DIR} …`)
    await startTelemetry(config, log)
    return await run({ config, log, place, startedMs })
  } finally {
    await closeTelemetry()
    log.info({}, 'stopped')
    await new Promise<void>((resolve) => log.flush(() => resolve()))
    lock.release()
  }
}

/** Where a collector is configured; else nothing of OpenTelemetry is loaded. */
async function startTelemetry(config: Config, log: Logger): Promise<void> {
  const { GIVEN, ROLES: roles, OTEL_METRIC_EXPORT_INTERVAL: figuresIntervalMs } = config
  const wanted = telemetryWanted(GIVEN)
  if (!wanted.traces && !wanted.metrics) return
  const { startOpenTelemetry } = await import('./adapters/telemetry/open-telemetry.ts')
  useTracer(
    startOpenTelemetry({ wanted, version: version(), roles, figuresIntervalMs, log: log.child({ part: 'telemetry' }) }),
  )
}

const cannotStart = (reason: unknown): string => `${pico.red('opslog cannot start.')} ${reason}\n`

const say = (text: string): void => void process.stdout.write(`${text}\n`)

interface Start {
  config: Config
  log: Logger
  /** Where the log is. */
  place: string
  startedMs: number
}

/** From the backing services to the stop. Most modules are loaded only now, since many starts end before. */
async function run({ config, log, place, startedMs }: Start): Promise<number> {
  const [{ startServices }, { checkSettings, startInstance }] = await Promise.all([
    import('./services/backing-services.ts'),
    import('./instance.ts'),
  ])
  await checkSettings(config)
  const services = await startServices(config, log)
  let servicesFile: string | undefined
  try {
    const instance = await startInstance(config, services, log)
    servicesFile = writeServices(config, services, instance)
    await announce(config, services, instance, place, performance.now() - startedMs)
    log.info({ roles: config.ROLES, api: instance.api?.url }, 'started')
    const { reason, failed } = await stopRequested(services)
    log.info({ reason }, 'stopping')
    process.stdout.write(`\n${failed ? pico.red(reason) : 'Stopping'} …`)
    const closed = instance.close().then(() => true)
    const stopped = await within(config.STOP_WAIT_MAX_MS, closed, false)
    if (!stopped) log.error({ waitedMs: config.STOP_WAIT_MAX_MS }, 'parts did not stop in time; ending without them')
    say(stopped ? ' done.' : ' not all of it in time; the next start takes up what was left.')
    return failed ? EXIT_CANNOT_START : 0
  } finally {
    if (servicesFile) rmSync(servicesFile, { force: true })
    await within(config.STOP_WAIT_MAX_MS, services.stop(), undefined)
  }
}

/** A sentence for faults that have a remedy; undefined for those that need a stack trace. */
function explain(error: unknown): { text: string; code: number } | undefined {
  if (error instanceof ServiceUnusable) return { text: error.message, code: EXIT_CANNOT_START }
  if (error instanceof InvalidConfiguration || error instanceof DataDirectoryInUse) {
    return { text: error.message, code: error instanceof InvalidConfiguration ? EXIT_USAGE : EXIT_CANNOT_START }
  }
  if (error instanceof LogMismatch) {
    return { text: `${error.message} ${MISMATCH_REMEDY}`, code: EXIT_CANNOT_START }
  }
  if (error instanceof StoreUnavailable) return { text: `${error.message} (EVENTSTORE_URL)`, code: EXIT_CANNOT_START }
  if (failureOf(error) === 'unavailable') {
    const text = `Postgres cannot be reached (DATABASE_URL): ${error instanceof Error ? error.message : error}`
    return { text, code: EXIT_CANNOT_START }
  }
  if (!(error instanceof Error) || !('code' in error)) return undefined
  if (error.code === 'EADDRINUSE') {
    const port = 'port' in error ? `${error.port}` : ''
    return {
      text: `Port ${port} is in use. Set PORT or ADMIN_PORT to another; PORT may be left unset to take a free one.`,
      code: EXIT_CANNOT_START,
    }
  }
  if (String(error.code).startsWith('ERR_PARSE_ARGS')) return { text: `${error.message}\n\n${HELP}`, code: EXIT_USAGE }
  if (error.code === 'EACCES') return { text: `Not permitted: ${error.message}`, code: EXIT_CANNOT_START }
  return undefined
}

// The reader of standard output may have closed it; the instance goes on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

try {
  // What did not stop in time must not keep the process.
  process.exit(await main())
} catch (error) {
  const known = explain(error)
  process.stderr.write(cannotStart(known?.text ?? (error instanceof Error ? error.stack : error)))
  process.exit(known?.code ?? EXIT_CANNOT_START)
}
