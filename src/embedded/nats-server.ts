/**
 * A private NATS server with JetStream for a machine that has the program, or can fetch Debian's package of it without
 * being root. Where neither is so the in-process stream takes its place.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { connect } from 'nats'
import { type Guarded, spawnGuarded } from './guardian.ts'
import { loopbackHost } from './ports.ts'

const execute = promisify(execFile)
const program = 'nats-server'

export interface FindNatsOptions {
  /** Where a fetched server is kept; see defaultCacheDirectory. */
  cacheDirectory: string
  /** Fetch the Debian package where the program is neither installed nor cached. */
  allowDownload: boolean
  /** Bound on the whole download. Default 10,000. */
  downloadTimeoutMs?: number
  /** Directories to look in, separated as in PATH. Default PATH and where packages put servers. */
  searchPath?: string
}

export interface FoundNats {
  /** Absolute path of the program, undefined where there is none. */
  binary: string | undefined
  /** Where it came from, or why there is none: one line for an operator to read. */
  reason: string
}

export interface NatsServerOptions {
  binary: string
  /** Holds the configuration (mode 0600: it names the password), the log and JetStream's store. */
  directory: string
  /** Without it the server takes a free one. */
  port?: number
  /** How long recovery of the store may take. Default 30,000. */
  startTimeoutMs?: number
  stopGraceMs?: number
  /** Bound on all streams together. Default 4 GiB. */
  storeBytesMax?: number
}

export interface RunningNats {
  /** `nats://user:password@127.0.0.1:port`. */
  url: string
  pid: number
  exited: Promise<unknown>
  stop(): Promise<void>
}

/** A directory of this user that survives runs and checkouts. */
export function defaultCacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'opslog')
}

/** Looks on the PATH and where Debian puts it, then in the cache, then fetches it where that is allowed. */
export async function findNatsServer(options: FindNatsOptions): Promise<FoundNats> {
  const searchPath = options.searchPath ?? [process.env.PATH ?? '', '/usr/sbin', '/usr/local/sbin'].join(delimiter)
  const folders = searchPath.split(delimiter).filter((folder) => folder !== '')
  const installed = folders.map((folder) => resolve(folder, program)).find(isExecutable)
  if (installed) return { binary: installed, reason: `installed as ${installed}` }
  const cached = join(resolve(options.cacheDirectory), program)
  if (isExecutable(cached)) return { binary: cached, reason: `cached as ${cached}` }
  if (!options.allowDownload)
    return { binary: undefined, reason: `${program} is not on the PATH nor cached as ${cached}` }
  try {
    await fetchDebianPackage(resolve(options.cacheDirectory), cached, options.downloadTimeoutMs ?? 10_000)
    return { binary: cached, reason: `fetched from Debian's archive, cached as ${cached}` }
  } catch (error) {
    return {
      binary: undefined,
      reason: `${program} is not installed and could not be fetched: ${(error as Error).message}`,
    }
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Downloads and unpacks the package into a directory of its own, then moves the program into place in one step. */
async function fetchDebianPackage(cacheDirectory: string, target: string, timeoutMs: number): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs)
  const folder = join(cacheDirectory, `fetch-${process.pid}-${randomBytes(4).toString('hex')}`)
  mkdirSync(join(folder, 'lists', 'partial'), { recursive: true })
  const apt = (...args: string[]) => execute('apt-get', ['-q', ...aptOptions, ...args], { cwd: folder, signal })
  try {
    try {
      await apt('download', program)
    } catch (error) {
      if (signal.aborted || (error as NodeJS.ErrnoException).code === 'ENOENT') throw error
      // A fresh container has no package lists, and only root may fill the machine's: take lists of our own.
      const ownLists = ['-o', `Dir::State::lists=${join(folder, 'lists')}`, '-o', `Dir::Cache=${join(folder, 'cache')}`]
      await apt(...ownLists, 'update')
      await apt(...ownLists, 'download', program)
    }
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb'))
    if (!archive) throw new Error('apt-get downloaded nothing')
    await execute('dpkg', ['-x', archive, 'unpacked'], { cwd: folder, signal })
    renameSync(join(folder, 'unpacked', 'usr', 'sbin', program), target)
  } catch (error) {
    throw new Error(signal.aborted ? `it took more than ${timeoutMs} ms` : explain(error), { cause: error })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// As root apt-get would download as a user of its own, which cannot write to our directory.
const aptOptions = ['-o', 'APT::Sandbox::User=', '-o', 'Acquire::Retries=0', '-o', 'Acquire::Languages=none']

function explain(error: unknown): string {
  const { code, path, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string }
  return code === 'ENOENT' && path ? `there is no ${path}` : stderr?.trim() || message
}

/** Starts the server and resolves when it answers JetStream requests. A port that is taken is an error. */
export async function startNatsServer(options: NatsServerOptions): Promise<RunningNats> {
  const directory = resolve(options.directory)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const password = keepPassword(join(directory, 'password'))
  const portsDirectory = join(directory, 'ports')
  rmSync(portsDirectory, { recursive: true, force: true })
  mkdirSync(portsDirectory)
  const configuration = join(directory, 'nats-server.conf')
  const version = await serverVersion(options.binary)
  writeFileSync(configuration, configure(directory, password, version, options), { mode: 0o600 })
  const logFile = join(directory, 'nats-server.log')
  const server = await spawnGuarded(options.binary, ['-c', configuration], {
    cwd: directory,
    stopSignal: 'TERM',
    stopGraceMs: options.stopGraceMs ?? 10_000,
    logFile,
  })
  try {
    const port = await whenReady(server, portsDirectory, password, options.startTimeoutMs ?? 30_000)
    const url = `nats://opslog:${password}@${loopbackHost}:${port}`
    return { url, pid: server.pid, exited: server.exited, stop: server.stop }
  } catch (error) {
    await server.stop()
    const log = readFileSync(logFile, 'utf8').slice(-2000)
    throw new Error(`${(error as Error).message}; the end of ${logFile} says:\n${log}`, { cause: error })
  }
}

/** Made once, so that clients find their way back to a server that was restarted on the same port. */
function keepPassword(file: string): string {
  if (!existsSync(file)) {
    writeFileSync(`${file}.new`, randomBytes(24).toString('base64url'), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  return readFileSync(file, 'utf8').trim()
}

async function serverVersion(binary: string): Promise<{ major: number; minor: number }> {
  const { stdout } = await execute(binary, ['--version'])
  const match = /v(\d+)\.(\d+)\./.exec(stdout)
  if (!match) throw new Error(`Cannot read the version of ${binary} from "${stdout.trim()}"`)
  return { major: Number(match[1]), minor: Number(match[2]) }
}

/**
 * `sync_interval: always` makes an acknowledged publish durable, but a server before 2.10 does not know it (it fsyncs
 * every two minutes), so nothing may rely on it: what is not confirmed is published again.
 */
function configure(
  directory: string,
  password: string,
  version: { major: number; minor: number },
  options: NatsServerOptions,
): string {
  const syncs = version.major > 2 || (version.major === 2 && version.minor >= 10)
  return `
listen: "${loopbackHost}:${options.port ?? -1}"
server_name: opslog
ports_file_dir: ${JSON.stringify(join(directory, 'ports'))}
max_payload: 1MB
authorization { user: opslog, password: ${JSON.stringify(password)} }
jetstream {
  store_dir: ${JSON.stringify(directory)}
  max_memory_store: 64MB
  max_file_store: ${options.storeBytesMax ?? 4 * 1024 ** 3}
  ${syncs ? 'sync_interval: always' : ''}
}
`
}

/** The server writes down which port it took; JetStream answers somewhat later, once it has recovered its store. */
async function whenReady(server: Guarded, ports: string, password: string, timeoutMs: number): Promise<number> {
  let ended = false
  server.exited.then(() => {
    ended = true
  })
  const deadline = Date.now() + timeoutMs
  while (!ended && Date.now() < deadline) {
    const port = readPort(ports)
    if (port !== undefined && (await answersJetStream(port, password))) return port
    await delay(20)
  }
  throw new Error(ended ? 'nats-server ended while it was starting' : `nats-server was not ready in ${timeoutMs} ms`)
}

function readPort(ports: string): number | undefined {
  const file = readdirSync(ports).find((name) => name.endsWith('.ports'))
  if (!file || !existsSync(join(ports, file))) return undefined
  const content = readFileSync(join(ports, file), 'utf8')
  const port = /"nats:\/\/[^"]*:(\d+)"/.exec(content)?.[1]
  return port === undefined ? undefined : Number(port)
}

/** Whether the server answers JetStream requests now. `url` is a RunningNats's. */
export function servesJetStream(url: string): Promise<boolean> {
  const { port, password } = new URL(url)
  return answersJetStream(Number(port), password)
}

async function answersJetStream(port: number, password: string): Promise<boolean> {
  const servers = `${loopbackHost}:${port}`
  try {
    const connection = await connect({ servers, user: 'opslog', pass: password, reconnect: false, timeout: 2000 })
    try {
      const manager = await connection.jetstreamManager()
      await manager.getAccountInfo()
      return true
    } finally {
      await connection.close()
    }
  } catch {
    return false
  }
}
