/**
 * A whole instance as a process of its own, on data of its own. A test says where it is to die, lets it work, sees it dead, and starts
 * it again.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { CrashOrder } from '../../src/runtime/crash-points.ts'
import { programEnvironment } from './program-environment.ts'
import { createDatabase, temporaryDirectory } from './services.ts'
import { root } from './source.ts'

type Environment = Record<string, string>

export interface Instance {
  dataDirectory: string
  databaseUrl: string
  /** Of the instance's environment, what a command line needs. */
  toolEnvironment(): Environment
  /** Of the API, `http://127.0.0.1:40123`. */
  url(): string
  /** Of its event store. */
  eventStoreUrl(): string
  /** Resolves when the instance says that it is up. `environment` is for this start alone. */
  start(environment?: Environment): Promise<void>
  runs(): boolean
  pid(): number
  /** Resolves when it is gone; with its exit code, or the signal that ended it. */
  end(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>
  /** Orders it to die at the point, lets the work begin, and resolves when it is dead; the work may have failed. */
  dies(order: Omit<CrashOrder, 'do'>, work: () => Promise<unknown>): Promise<void>
  /** Ends it, and removes its data. */
  close(): Promise<void>
}

/** On a machine that does other things too. */
const START_MAX_MS = 180_000
const DEAD_MAX_MS = 20_000

/** Starts nothing yet. `environment`: of each start. */
export async function createInstance(environment: Environment): Promise<Instance> {
  const directory = temporaryDirectory()
  const database = await createDatabase()
  const dataDirectory = join(directory.path, 'data')
  const crashFile = join(directory.path, 'crash.json')
  let child: ChildProcess | undefined

  const isAlive = () => child?.exitCode === null && child.signalCode === null
  const services = () => JSON.parse(readFileSync(join(dataDirectory, 'services.json'), 'utf8'))
  const toolEnvironment = () => ({ DATA_DIR: dataDirectory, DATABASE_URL: database.url })

  async function start(own: Environment = {}): Promise<void> {
    const starting = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts'], {
      cwd: root,
      env: {
        ...programEnvironment(),
        ...toolEnvironment(),
        PORT: '0',
        CRASH_POINT_FILE: crashFile,
        ...environment,
        ...own,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = starting
    const { promise: up, resolve, reject } = Promise.withResolvers<void>()
    let said = ''
    const hear = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-10_000)
      if (said.includes('Ctrl-C stops everything')) resolve()
    }
    starting.stdout.on('data', hear)
    starting.stderr.on('data', hear)
    starting.once('exit', () => reject(new Error(`the instance ended: ${said}`)))
    const timer = setTimeout(() => reject(new Error(`the instance did not start: ${said}`)), START_MAX_MS)
    await up.finally(() => clearTimeout(timer))
  }

  async function end(signal: NodeJS.Signals = 'SIGKILL') {
    const ending = child
    if (!ending || !isAlive()) throw new Error('the instance does not run')
    const exited = once(ending, 'exit')
    ending.kill(signal)
    await exited
    return ending.exitCode ?? ending.signalCode!
  }

  return {
    ...{ dataDirectory, databaseUrl: database.url, toolEnvironment, start, end },
    url: () => services().api.url,
    eventStoreUrl: () => services().eventStore.url,
    runs: isAlive,
    pid: () => child?.pid as number,
    async dies(order, work) {
      const dying = child!
      const exited = once(dying, 'exit')
      writeFileSync(crashFile, JSON.stringify({ do: 'kill', ...order }))
      const working = Promise.allSettled([work()])
      const timer = setTimeout(() => dying.kill('SIGTERM'), DEAD_MAX_MS)
      await exited
      clearTimeout(timer)
      await working
      expect(dying.signalCode, `killed at ${order.at}`).toBe('SIGKILL')
    },
    async close() {
      if (isAlive()) await end('SIGTERM')
      await database.drop()
      directory.remove()
    },
  }
}
