/** The priorities of a process's threads, as Linux has them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { expect, it } from 'vitest'

/** Name and nice value of each thread (proc_pid_stat(5): the second field, in parentheses, and the nineteenth). */
const threadsOf = (pid: number) =>
  readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
    const [name, rest] = [
      stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      stat.slice(stat.lastIndexOf(')') + 2),
    ]
    return { name, nice: Number(rest.split(' ')[16]), isMain: thread === String(pid) }
  })

const MODULE = new URL('../../src/runtime/worker-priority.ts', import.meta.url)
/** Threads of ours: one that gives way, and one that does not. */
const GIVES_WAY = `
  import { parentPort } from 'node:worker_threads'
  import { lowerThisThread } from '${MODULE}'
  lowerThisThread()
  parentPort.postMessage('lowered')
  setInterval(() => undefined, 1_000)`
const STAYS = 'setInterval(() => undefined, 1_000)'

/** Starts a process with so much added to its nice value; answers how many threads it says it has lowered, and all its threads. */
async function lowering(adjustment = 0, thread = STAYS) {
  const script = `
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    import { lowerWorkerThreads } from '${MODULE}'
    const lowered = lowerWorkerThreads()
    const worker = new Worker(${JSON.stringify(thread)}, { eval: true })
    await once(worker, ${JSON.stringify(thread === STAYS ? 'online' : 'message')})
    console.log(lowered)
    process.stdin.resume().on('end', () => process.exit())`
  const program = [process.execPath, '--input-type=module', '--eval', script]
  const child = spawn('nice', ['-n', String(adjustment), ...program])
  const [lowered] = await once(child.stdout, 'data')
  const threads = threadsOf(child.pid as number)
  child.stdin.end()
  await once(child, 'close')
  return { lowered: Number(lowered), threads }
}

it('V8’s helper threads give way, and the main thread and threads of ours do not', async () => {
  const { lowered, threads } = await lowering()
  // A whole test run may have been told to give way itself.
  const ordinary = getPriority()
  const helpers = threads.filter(({ nice }) => nice > ordinary)
  expect(helpers.length).toBeGreaterThan(0)
  expect(new Set(helpers.map(({ name }) => name))).toEqual(new Set(['V8Worker']))
  expect(helpers).toHaveLength(lowered)
  expect(threads.filter(({ name }) => name === 'V8Worker')).toHaveLength(helpers.length)
  expect(threads.find(({ isMain }) => isMain)?.nice).toBe(ordinary)
  expect(threads.filter(({ name, nice }) => name === 'WorkerThread' && nice === ordinary)).toHaveLength(1)
})

it('a thread of ours gives way by itself where it asks to', async () => {
  const { threads } = await lowering(0, GIVES_WAY)
  expect(threads.filter(({ name }) => name === 'WorkerThread').map(({ nice }) => nice)).toEqual([
    Math.max(10, getPriority()),
  ])
  expect(threads.find(({ isMain }) => isMain)?.nice).toBe(getPriority())
})

it('a process that gives way already gives no thread more than it has itself', async () => {
  const { lowered, threads } = await lowering(15)
  expect(lowered).toBeGreaterThan(0)
  expect(threads.filter(({ nice }) => nice < 15)).toEqual([])
})
