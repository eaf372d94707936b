/**
 * Once per test run: a private PostgreSQL and, where the program is at hand, a private nats-server, in a temporary
 * directory and on free ports, so that runs can go on side by side. The tests learn where they are from
 * test/support/services.ts.
 */
import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import type { TestProject } from 'vitest/node'
import { defaultCacheDirectory, findNatsServer, startNatsServer } from '../../src/embedded/nats-server.ts'
import { startPostgres } from '../../src/embedded/postgres.ts'
import { findChromium } from './chromium.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser's URL of the run's PostgreSQL; tests take databases of their own from it. */
    postgresUrl: string
    /** Undefined where there is no nats-server on this machine. */
    natsUrl: string | undefined
    /** Holds everything that the run leaves on disk; removed at its end. */
    runDirectory: string
    /** Path of the nats-server program, for tests that stop and start one of their own. */
    natsBinary: string | undefined
    /** Path of Chromium, in which pages are tried; undefined where this machine has none. */
    chromiumBinary: string | undefined
  }
}

/** Each stream of each test reserves its bound, which the broker adds up whether or not anything is stored. */
const storeBytesReservable = 1024 ** 4

/** Nothing of the run outlives it: syncing to the disk, which dropping a database waits for, would be of no use. */
async function forgetPowerCuts(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  for (const name of ['fsync', 'full_page_writes']) await client.query(`ALTER SYSTEM SET ${name} = off`)
  await client.query('SELECT pg_reload_conf()')
  await client.end()
}

/**
 * Of a test process that ends unasked vitest says that it did, and no more. Its signal tells a crash (SIGSEGV, SIGABRT,
 * SIGBUS) from a lack of memory (SIGKILL), and its code from a call of process.exit.
 */
function tellOfEnds(): void {
  subscribe('child_process', (message) => {
    const { process: child } = message as { process: ChildProcess }
    child.once('exit', (code, signal) => {
      const isOfTests = child.spawnargs.some((argument) => argument.includes('/vitest/dist/workers/'))
      if (!isOfTests || child.killed) return
      process.stderr.write(`A test process ended by itself: ${signal ?? `code ${code}`} (process ${child.pid})\n`)
    })
  })
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  tellOfEnds()
  const directory = mkdtempSync(join(tmpdir(), 'opslog-test-'))
  // Others may pass, not look: as root, PostgreSQL runs as another user.
  chmodSync(directory, 0o711)
  const stops: (() => Promise<void>)[] = []
  const teardown = async () => {
    await Promise.all(stops.map((stop) => stop()))
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    // OPSLOG_REQUIRE_NATS=1 is what CI sets: there the real broker must be tested, so it may also be fetched.
    const required = process.env.OPSLOG_REQUIRE_NATS === '1'
    const nats = await findNatsServer({ cacheDirectory: defaultCacheDirectory(), allowDownload: required })
    if (required && !nats.binary) throw new Error(`OPSLOG_REQUIRE_NATS=1, but ${nats.reason}`)
    // CI sets this, too: there the hosted page must be tried in a browser.
    const chromium = findChromium()
    if (process.env.OPSLOG_REQUIRE_CHROMIUM === '1' && !chromium) {
      throw new Error('OPSLOG_REQUIRE_CHROMIUM=1, but no Chromium is on the PATH')
    }
    const [postgres, broker] = await Promise.all([
      startPostgres({ directory: join(directory, 'postgres'), maxConnections: 200 }),
      nats.binary
        ? startNatsServer({
            binary: nats.binary,
            directory: join(directory, 'nats'),
            storeBytesMax: storeBytesReservable,
          })
        : undefined,
    ])
    stops.push(postgres.stop)
    await forgetPowerCuts(postgres.url)
    if (broker) stops.push(broker.stop)
    // What one worker has compiled the others of the run need not.
    process.env.NODE_COMPILE_CACHE ??= join(directory, 'compiled')
    project.provide('runDirectory', directory)
    project.provide('postgresUrl', postgres.url)
    project.provide('natsUrl', broker?.url)
    project.provide('natsBinary', nats.binary)
    project.provide('chromiumBinary', chromium)
    return teardown
  } catch (error) {
    await teardown()
    throw error
  }
}
