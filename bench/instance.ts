/** The instance under test, as a process of its own on a data directory that is gone afterwards, and calls to it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent, type Dispatcher } from 'undici'
import { loadConfig } from '../src/config.ts'
import { startServices } from '../src/services/backing-services.ts'

const CONNECTIONS_MAX = 256

export interface BenchInstance {
  url: string
  directory: string
  apiKey: string
  eventStoreUrl: string
  postgresUrl: string
  /** Resident memory of the process, in MiB. */
  residentMiB(): number
  /** Time of processors that the process and its children have had, in ms. Linux alone tells. */
  processorMs(): number
  stop(): Promise<void>
}

/** The options of node that `npm start` gives an instance. */
const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const startOptions = (scripts.start as string).split(' ').filter((word) => word.startsWith('--'))

/** Starts a program of ours and waits for a line that begins so. Node's options are those of an instance, these last. */
export async function startProgram(
  file: string,
  args: string[],
  environment: NodeJS.ProcessEnv,
  ready: RegExp,
  options: readonly string[] = [],
) {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = spawn(process.execPath, [...startOptions, ...options, path, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  for await (const chunk of child.stdout) {
    said += chunk
    if (ready.test(said)) break
  }
  if (!ready.test(said)) throw new Error(`${file} did not start: ${said}`)
  child.stdout.resume()
  return { child, said }
}

export async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** `prepare` may put a history into the data directory before the start (seed.ts); `options` are further ones of node. */
export async function startBenchInstance(
  environment: NodeJS.ProcessEnv = {},
  prepare?: (directory: string) => Promise<void>,
  options: readonly string[] = [],
): Promise<BenchInstance> {
  const directory = mkdtempSync(join(tmpdir(), 'opslog-bench-'))
  await prepare?.(directory)
  const services = environment.ROLES === undefined ? undefined : await startSharedServices(directory)
  const given = { DATA_DIR: directory, PORT: '0', LOG_LEVEL: 'warn', ...services?.urls }
  const settings = { ...given, ...environment }
  const { child } = await startProgram('../src/main.ts', [], settings, /Ctrl-C stops everything/, options)
  const read = (name: string) => JSON.parse(readFileSync(join(directory, name), 'utf8'))
  const { api, eventStore, postgres } = read('services.json')
  return {
    url: api.url,
    directory,
    apiKey: read('sandbox-operator.json').api_key,
    eventStoreUrl: eventStore.url,
    postgresUrl: postgres.url,
    residentMiB: () => {
      const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
      return Number(kib) / 1_024
    },
    processorMs: () => processorMs(child.pid ?? 0),
    async stop() {
      await stopProgram(child)
      await services?.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Of Linux, where it is the same on all machines. */
const TICK_MS = 10

/** Of the process and all that it has started, those included that have ended. */
function processorMs(pid: number): number {
  const stats = readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      // Behind the name, in parentheses: the 2nd field is the parent, the 12th to the 15th are times, those of ended children too.
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ').map(Number) ?? []
      return [
        { pid: Number(name), parent: fields[1], ticks: fields.slice(11, 15).reduce((sum, each) => sum + each, 0) },
      ]
    } catch {
      // It has ended meanwhile.
      return []
    }
  })
  const ticksOf = (id: number): number =>
    (stats.find((each) => each.pid === id)?.ticks ?? 0) +
    stats.filter(({ parent }) => parent === id).reduce((sum, each) => sum + ticksOf(each.pid), 0)
  return ticksOf(pid) * TICK_MS
}

/** Roles apart from each other need services that others could reach. No command is carried out, so NATS may be away. */
async function startSharedServices(directory: string) {
  const config = loadConfig({ DATA_DIR: join(directory, 'services'), NATS_SERVER: 'off' })
  const warn = (_: object, message: string) => process.stderr.write(`${message}\n`)
  mkdirSync(config.DATA_DIR)
  const { eventStore, postgres, stop } = await startServices(config, { warn })
  const urls = { EVENTSTORE_URL: eventStore.url, DATABASE_URL: postgres.url, NATS_URL: 'nats://127.0.0.1:9' }
  return { urls: { ...urls, SANDBOX_OPERATOR: 'on' }, stop }
}

const connections = new Agent({ connections: CONNECTIONS_MAX })

/** One HTTP call over a kept connection; rejects on an unexpected status. */
export async function call(
  method: Dispatcher.HttpMethod,
  url: string,
  options: {
    apiKey?: string
    /** What is sent as JSON, or what was written already. */
    body?: unknown
    text?: string
    headers?: Readonly<Record<string, string>>
    expect: number[]
  },
): Promise<string> {
  const headers = {
    ...options.headers,
    ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
    ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const body = options.body === undefined ? (options.text ?? null) : JSON.stringify(options.body)
  const answer = await connections.request({ ...originAndPath(url), method, headers, body })
  const text = await answer.body.text()
  if (options.expect.includes(answer.statusCode)) return text
  throw new Error(`${method} ${url} answered ${answer.statusCode}: ${text}`)
}

/** Origin and path of an address, without the cost of parsing it whole at every call. */
function originAndPath(url: string): { origin: string; path: string } {
  const slash = url.indexOf('/', 'http://'.length)
  return { origin: url.slice(0, slash), path: url.slice(slash) }
}

/** Everything that POST /v1/accounts asks for. */
export const accountRequest = (externalAccountId: string, externalUserId: string) => ({
  external_account_id: externalAccountId,
  external_user_id: externalUserId,
  initial_balance: '100000',
  currency: 'USD',
  execution_profile_key: 'standard',
  provider_type: 'prop_firm',
  rules_owner: 'partner',
  feed_source: 'noctant',
  branding_policy: 'white_label',
  visibility_policy: 'same_sponsor_only',
  claim_allowed: false,
  marketing_allowed: false,
})
