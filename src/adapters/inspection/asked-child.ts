/**
 * A child process that is asked one thing after the other, and watched: its time and its memory are measured from outside, and beyond
 * them it is killed.
 */
import { type ChildProcess, execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { getPriority, setPriority } from 'node:os'
import { promisify } from 'node:util'
import { InspectorCrashed } from './inspection.ts'

export interface ChildLimits {
  /**
   * For one question, the start of a new process included. One that had less than half of a processor in this time has waited
   * for others: it goes on until it has had that, for PATIENCE times as long at most.
   */
  timeMaxMs: number
  memoryMaxBytes: number
  /** Between two looks at the memory. */
  watchIntervalMs: number
}

export interface AskedChild {
  process: ChildProcess
  /** In errors. */
  name: string
  lastWords: string
}

const PATIENCE = 6
/** Part of a processor without which a process waits for others, or for nothing. */
const BUSY = 0.5
/** Last words of a child that are kept for the error. */
const LAST_WORDS_MAX = 1_000

/** A process that was just started with a channel for messages. */
export function askedChild(name: string, process: ChildProcess): AskedChild {
  const child = { process, name, lastWords: '' }
  process.stderr?.on('data', (words: Buffer) => {
    child.lastWords = `${child.lastWords}${words}`.slice(-LAST_WORDS_MAX)
  })
  // A child that cannot be started ends, and the request that waits for it learns so.
  process.on('error', () => undefined)
  return child
}

/** Sends the question and watches the child until it answers. Kills it beyond its limits. Rejects with InspectorCrashed then. */
export async function ask<Answer>(child: AskedChild, question: object, limits: ChildLimits): Promise<Answer> {
  const { process: asked, name } = child
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const stop = (cause: InspectorCrashed['cause'], message: string) => {
    reject(new InspectorCrashed(cause, message))
    asked.kill('SIGKILL')
  }
  const onExit = (code: number | null, signal: string | null) =>
    reject(new InspectorCrashed('ended', `${name} ended with ${signal ?? code}: ${child.lastWords}`))
  const onError = (error: Error) => reject(new InspectorCrashed('ended', `${name} has failed: ${error.message}`))
  asked.once('exit', onExit).once('error', onError).once('message', resolve)
  const begunMs = performance.now()
  const usedBeforeMs = processorMs(asked.pid)
  const look = () => {
    const tookMs = performance.now() - begunMs
    const usedMs = processorMs(asked.pid) - usedBeforeMs
    const isWaiting = usedMs < BUSY * limits.timeMaxMs && tookMs < PATIENCE * limits.timeMaxMs
    if (isWaiting) timer = setTimeout(look, limits.timeMaxMs)
    else stop('time', `${name} took ${Math.round(tookMs)} ms`)
  }
  let timer = setTimeout(look, limits.timeMaxMs)
  let isOver = false
  const watch = setInterval(() => {
    memoryOf(asked.pid).then((bytes) => {
      if (!isOver && bytes > limits.memoryMaxBytes) stop('memory', `${name} held ${bytes} bytes`)
    })
  }, limits.watchIntervalMs)
  try {
    if (asked.exitCode !== null || asked.signalCode !== null) onExit(asked.exitCode, asked.signalCode)
    else asked.send(question, (error) => error && onError(error))
    return await promise
  } finally {
    isOver = true
    clearTimeout(timer)
    clearInterval(watch)
    asked.off('exit', onExit).off('error', onError).off('message', resolve)
  }
}

/** By a nice value of so much: a third of our own weight. A request that comes has its turn at once, and files still get on. */
const NICENESS = 5
const NICENESS_MAX = 19

/**
 * Lowers the priority of all its threads below our own, which Linux alone has by thread. That is done behind its first file: by then
 * it has started them all, and its start, for which somebody waits, was not held up. Where nobody waits it is done at its start.
 */
export function giveWay(pid: number | undefined, by = NICENESS): void {
  if (process.platform !== 'linux') return
  try {
    // Whoever was started with a lower priority yet has nobody work for it at a higher one.
    const niceness = Math.min(NICENESS_MAX, getPriority() + by)
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), niceness)
  } catch {
    // A thread has ended, or all of them: whoever asks next learns of that.
  }
}

/** Of Linux, where it is the same on all machines. */
const TICK_MS = 10

/** Time of a processor that the process has had, with all of its threads; NaN where the system does not tell. */
function processorMs(pid: number | undefined): number {
  try {
    // Behind the name, which stands in parentheses, the 12th and the 13th field are its own time and the system's for it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  } catch {
    return Number.NaN
  }
}

const run = promisify(execFile)

/** Resident bytes of a process; 0 where it is gone. */
async function memoryOf(pid: number | undefined): Promise<number> {
  try {
    const status =
      process.platform === 'linux'
        ? (await readFile(`/proc/${pid}/status`, 'utf8')).match(/^VmRSS:\s+(\d+) kB/m)?.[1]
        : (await run('ps', ['-o', 'rss=', '-p', String(pid)])).stdout
    return Number(status ?? 0) * 1_024
  } catch {
    return 0
  }
}
