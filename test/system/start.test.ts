/** How a start that cannot work ends, and how one that works is ended, seen as the terminal shows it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import operationsGrpc from '@eventstore/db-client/generated/operations_grpc_pb.js'
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import { credentials, Metadata, status } from '@grpc/grpc-js'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { programEnvironment } from '../support/program-environment.ts'
import { createDatabase, temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'

const directory = temporaryDirectory()
const database = await createDatabase()
const nobody = await freePort()
const started: ChildProcess[] = []
let directories = 0

afterAll(async () => {
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  await database.drop()
  directory.remove()
})

interface Start {
  child: ChildProcess
  dataDir: string
  said(): string
  ended: Promise<number | null>
}

function start(command: string, args: string[], environment: Record<string, string>): Start {
  const dataDir = join(directory.path, `data-${++directories}`)
  const child = spawn(command, args, {
    cwd: root,
    env: { ...programEnvironment(), DATA_DIR: dataDir, PORT: '0', NATS_SERVER: 'off', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  return { child, dataDir, said: () => said, ended: once(child, 'close').then(([code]) => code as number | null) }
}

const startMain = (environment: Record<string, string>, args: string[] = []) =>
  start(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts', ...args], environment)

const isUp = ({ said }: Start) => vi.waitFor(() => expect(said()).toContain('Ctrl-C stops everything'), 60_000)
const pidIn = ({ dataDir }: Start): number => JSON.parse(readFileSync(join(dataDir, 'services.json'), 'utf8')).pid

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a start that cannot work ends with a sentence, and nothing was started', () => {
  it.each([
    [{ EVENTSTORE_URL: 'http://localhost:2113' }, /EVENTSTORE_URL: .* begins with http:\/\//],
    [{ DATABASE_URL: 'mysql://root@localhost/x' }, /DATABASE_URL: It begins with mysql:/],
    [{ NATS_URL: 'http://localhost:4222' }, /NATS_URL: It is not an address of a NATS server/],
    [
      { DATABASE_URL: `postgres://a:b@127.0.0.1:${nobody}/x`, START_WAIT_MAX_MS: '200' },
      /Waiting for DATABASE_URL, up to 0.2 s: .*ECONNREFUSED.*DATABASE_URL: .* for 0.2 s by now \(START_WAIT_MAX_MS\)/s,
    ],
  ])('%o', async (environment, sentence) => {
    const attempt = startMain(environment)
    expect(await attempt.ended).toBe(1)
    expect(attempt.said()).toMatch(sentence)
    expect(attempt.said()).toMatch(/opslog cannot start\. /)
    expect(attempt.said()).not.toMatch(/^\s+at /m)
    expect(['eventstore', 'postgres', 'nats'].filter((name) => existsSync(join(attempt.dataDir, name)))).toEqual([])
  })

  it('of roles apart from each other without services that they share', async () => {
    const attempt = startMain({ NATS_URL: 'nats://127.0.0.1:4222' }, ['--roles', 'api'])
    expect(await attempt.ended).toBe(2)
    expect(attempt.said()).toContain(
      'ROLES=api leaves roles to other processes, which have to reach the same services: ' +
        'set EVENTSTORE_URL, DATABASE_URL, NATS_URL (unset: EVENTSTORE_URL, DATABASE_URL)',
    )
  })

  it('for a variable of a context that it serves', async () => {
    const attempt = startMain({ REPUBLISH_ATTEMPTS_MAX: 'many' })
    expect(await attempt.ended).toBe(2)
    expect(attempt.said()).toMatch(/opslog cannot start\. The environment does not fit:\n {2}REPUBLISH_ATTEMPTS_MAX: /)
    expect(existsSync(join(attempt.dataDir, 'eventstore'))).toBe(false)
  })
})

describe('settings that a part finds unusable while others start end it with a sentence too', {
  timeout: 90_000,
}, () => {
  it.each([
    [{ S3_BUCKET: 'files' }, 'S3_BUCKET needs a key that signs links'],
    [{ VISION_URL: 'https://models.example/v1/chat/completions' }, 'VISION_URL is set without VISION_MODEL'],
  ])('%o', async (environment, sentence) => {
    // Each start makes a key of its own, which seals what its database has.
    const own = await createDatabase()
    const attempt = startMain({ DATABASE_URL: own.url, ...environment })
    expect(await attempt.ended).toBe(2)
    await own.drop()
    expect(attempt.said()).toContain(`opslog cannot start. ${sentence}`)
    expect(attempt.said()).not.toMatch(/^\s+at /m)
  })
})

it('a log whose bytes were lost ends the start with what is wrong and a way on', async () => {
  const dataDir = join(directory.path, 'damaged')
  mkdirSync(join(dataDir, 'eventstore'), { recursive: true, mode: 0o700 })
  writeFileSync(join(dataDir, 'eventstore', 'log-0000000000000000.seg'), Buffer.alloc(4_096, 1))
  const attempt = startMain({ DATABASE_URL: database.url, DATA_DIR: dataDir })
  expect(await attempt.ended).toBe(1)
  expect(attempt.said()).toMatch(
    /opslog cannot start\. The event store in .*: the log is damaged at position 0.*`opslog store verify`/,
  )
  expect(attempt.said()).not.toMatch(/^\s+at /m)
})

/** The protocol's own order to an event store to end, by somebody who names its credential or does not; answers with the status. */
async function shutDown(url: string, isNamed: boolean): Promise<number | undefined> {
  const { host, username, password } = new URL(url)
  const operations = new operationsGrpc.OperationsClient(host, credentials.createInsecure())
  const metadata = new Metadata()
  if (isNamed) metadata.set('authorization', `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`)
  const code = await new Promise<number | undefined>((resolve) =>
    operations.shutdown(new sharedPb.Empty(), metadata, (error) => resolve(error?.code)),
  )
  operations.close()
  return code
}

describe('a running instance', { timeout: 90_000 }, () => {
  it('that npm started keeps keys, files and figures to itself, and is ended by the signal that npm gets', async () => {
    const npm = start('npm', ['start'], { DATABASE_URL: database.url, ADMIN_PORT: '0' })
    await isUp(npm)
    // The longest of the labels does not run into what stands beside it.
    expect(npm.said()).toMatch(/^ {2}killatamata key kept in /m)
    const pid = pidIn(npm)
    const read = (name: string) => JSON.parse(readFileSync(join(npm.dataDir, name), 'utf8'))
    // Whoever reads what a container or a supervisor keeps of it learns where the key is.
    expect(npm.said()).not.toContain(read('sandbox-operator.json').api_key)
    expect(npm.said()).toContain('sandbox-operator.json')
    const names = readdirSync(npm.dataDir, { recursive: true, encoding: 'utf8' }).filter((name) =>
      existsSync(join(npm.dataDir, name)),
    )
    const open = names.filter((name) => (statSync(join(npm.dataDir, name)).mode & 0o077) !== 0)
    expect(names.length).toBeGreaterThan(10)
    expect(open).toStrictEqual([])
    const { api, health } = read('services.json')
    const statusOf = async (url: string) => (await fetch(`${url}/metrics`)).status
    expect([await statusOf(api.url), await statusOf(health.url)]).toStrictEqual([404, 200])
    npm.child.kill('SIGTERM')
    await npm.ended
    await vi.waitFor(() => expect(runs(pid)).toBe(false), 20_000)
    expect(npm.said()).toMatch(/Stopping … done\./)
  })

  it('says that NATS cannot be reached, and ends, and says so, when its event store has ended', async () => {
    const own = await createDatabase()
    const instance = startMain({ DATABASE_URL: own.url, NATS_URL: `nats://127.0.0.1:${nobody}` })
    await isUp(instance)
    expect(instance.said()).toContain('cannot be reached yet; commands wait for it')
    const { eventStore } = JSON.parse(readFileSync(join(instance.dataDir, 'services.json'), 'utf8'))
    expect(await shutDown(eventStore.url, false)).toBe(status.PERMISSION_DENIED)
    await shutDown(eventStore.url, true)
    expect(await instance.ended).toBe(1)
    expect(instance.said()).toContain('the event store has ended by itself')
    await own.drop()
  })

  it('takes a second one beside it, whose data directory is its own and whose keys work as well', async () => {
    const own = await createDatabase()
    const shared = { DATABASE_URL: own.url, SECRETS_KEY: randomBytes(32).toString('base64') }
    const first = startMain(shared)
    await isUp(first)
    const { eventStore } = JSON.parse(readFileSync(join(first.dataDir, 'services.json'), 'utf8'))
    const second = startMain({ ...shared, EVENTSTORE_URL: eventStore.url, SANDBOX_OPERATOR: 'on' })
    await isUp(second)
    for (const { dataDir } of [first, second]) {
      const read = (name: string) => JSON.parse(readFileSync(join(dataDir, name), 'utf8'))
      const { api } = read('services.json')
      const asked = {
        '/noctant/v1/me': read('sandbox-operator.json').api_key,
        '/firsthand/v1/billing/credits': read('sandbox-firsthand.json').live_key,
        '/killatamata/api/v1/balance': read('sandbox-killatamata.json').account.api_key,
      }
      for (const [path, key] of Object.entries(asked)) {
        const statusOf = async () =>
          (await fetch(api.url + path, { headers: { authorization: `Bearer ${key}` } })).status
        // The read models may be a moment behind the start.
        await vi.waitFor(async () => expect(await statusOf(), path).toBe(200), { interval: 50, timeout: 20_000 })
      }
    }
    for (const { child, ended } of [second, first]) {
      child.kill('SIGTERM')
      await ended
    }
    await own.drop()
  })

  it('closes a data directory to others that was open to them', async () => {
    const instance = startMain({ EVENTSTORE_URL: 'nowhere' })
    await instance.ended
    const { dataDir } = instance
    chmodSync(dataDir, 0o755)
    mkdirSync(join(dataDir, 'eventstore'), { mode: 0o755 })
    writeFileSync(join(dataDir, 'opslog.log'), '', { mode: 0o644 })
    chmodSync(join(dataDir, 'opslog.log'), 0o644)
    const again = startMain({ EVENTSTORE_URL: 'nowhere', DATA_DIR: dataDir })
    await again.ended
    expect(again.said()).toContain('was open to other users of this machine; it is closed now')
    const modes = ['.', 'eventstore', 'opslog.log', 'lock.db'].map((name) => statSync(join(dataDir, name)).mode & 0o777)
    expect(modes).toEqual([0o711, 0o700, 0o600, 0o600])
  })
})
