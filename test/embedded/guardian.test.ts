import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Guarded, type GuardedOptions, spawnGuarded } from '../../src/embedded/guardian.ts'
import { isAlive, moduleUrl, startOwner } from '../support/owner-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/services.ts'

let directory: TemporaryDirectory
let logFile: string
beforeEach(() => {
  directory = temporaryDirectory()
  logFile = join(directory.path, 'service.log')
})
afterEach(() => directory.remove())

const stubborn = 'trap "" TERM INT; echo ready; while :; do sleep 0.1; done'
const obliging = 'trap "echo stopped; exit 3" TERM; echo ready; while :; do sleep 0.1; done'

const start = (script: string, options: Partial<GuardedOptions> = {}): Promise<Guarded> =>
  spawnGuarded('/bin/sh', ['-c', script], { stopSignal: 'TERM', logFile, ...options })
const log = () => readFileSync(logFile, 'utf8')

/** An instance that starts the script as its service, and says the service's process id. */
const startInstance = (script: string) =>
  startOwner(`
    import { spawnGuarded } from ${moduleUrl('embedded/guardian.ts')}
    const service = await spawnGuarded('/bin/sh', ['-c', ${JSON.stringify(script)}], {
      stopSignal: 'TERM', stopGraceMs: 1000, logFile: ${JSON.stringify(logFile)} })
    console.log(JSON.stringify({ pid: service.pid }))
  `)

test('stops a service with its signal and gives its exit code', async () => {
  const service = await start(obliging)
  await expect.poll(log).toBe('ready\n')
  expect(isAlive(service.pid)).toBe(true)
  await service.stop()
  expect(await service.exited).toEqual({ code: 3 })
  expect(isAlive(service.pid)).toBe(false)
  expect(log()).toBe('ready\nstopped\n')
  await service.stop()
})

test('kills a service that does not stop in time', async () => {
  const service = await start(stubborn, { stopGraceMs: 1000 })
  await expect.poll(log).toBe('ready\n')
  await service.stop()
  expect(await service.exited).toEqual({ code: 128 + 9 })
  expect(isAlive(service.pid)).toBe(false)
})

test('reports a service that ends by itself', async () => {
  const service = await start('echo broken; exit 7')
  expect(await service.exited).toEqual({ code: 7 })
  expect(log()).toContain('broken')
})

test('reports a program that does not exist', async () => {
  const service = await spawnGuarded('/nonexistent/program', [], { stopSignal: 'TERM', logFile })
  expect(await service.exited).toEqual({ code: 127 })
  expect(log()).toMatch(/not found|No such file/)
})

test('rejects where nothing can be started', async () => {
  await expect(start(obliging, { cwd: join(directory.path, 'absent') })).rejects.toThrow('ENOENT')
})

test('keeps the log of the run before', async () => {
  for (const word of ['first', 'second']) await (await start(`echo ${word}`)).exited
  expect(log()).toBe('second\n')
  expect(readFileSync(`${logFile}.previous`, 'utf8')).toBe('first\n')
})

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('stops the service when its owner dies of %s', async (signal) => {
  const owner = await startInstance(obliging)
  const pid = owner.said.pid as number
  await expect.poll(log).toBe('ready\n')
  await owner.end(signal)
  await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false)
  expect(log()).toBe('ready\nstopped\n')
})

test('kills a stubborn service when its owner was killed', async () => {
  const owner = await startInstance(stubborn)
  const pid = owner.said.pid as number
  await expect.poll(log).toBe('ready\n')
  await owner.end('SIGKILL')
  await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false)
})

test('runs the service outside our process group, out of reach of Ctrl-C', async () => {
  const service = await start(obliging)
  await expect.poll(log).toBe('ready\n')
  expect(processGroup(service.pid)).not.toBe(processGroup(process.pid))
  await service.stop()
})

function processGroup(pid: number): number {
  if (process.platform !== 'linux')
    return Number(execFileSync('ps', ['-o', 'pgid=', '-p', `${pid}`], { encoding: 'utf8' }))
  // The fields after the command's name in parentheses: state, parent, process group.
  return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[2])
}
