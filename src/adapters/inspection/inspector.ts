/**
 * The inspector: one child process that looks at one file at a time. Its time and its memory are watched from outside; beyond
 * them it is killed, and the next file gets a new one. A fault in a decoder takes nothing else along.
 */
import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { promisify } from 'node:util'
import { createQueue } from '../../runtime/keyed-queue.ts'
import {
  type DrawingRequest,
  type Inspection,
  type InspectionRequest,
  type Inspector,
  InspectorCrashed,
} from './inspection.ts'
import { launchConfined } from './launch.ts'

export interface InspectorLimits {
  /**
   * For one file, the start of a new process included. One that had less than half of a processor in this time has waited
   * for others: it goes on until it has had that, for PATIENCE times as long at most.
   */
  timeMaxMs: number
  memoryMaxBytes: number
  /** Between two looks at the memory. */
  watchIntervalMs: number
  /** Files that one process looks at; then a new one begins with a clean memory. */
  filesMax: number
}

export const inspectorLimits: InspectorLimits = {
  timeMaxMs: 20_000,
  memoryMaxBytes: 768 * 1_048_576,
  watchIntervalMs: 25,
  filesMax: 2_000,
}

const PATIENCE = 6
/** Part of a processor without which a process waits for others, or for nothing. */
const BUSY = 0.5

/** What the child is asked. */
export type Question = { kind: 'inspect'; request: InspectionRequest } | { kind: 'draw'; request: DrawingRequest }
/** What it says; null for a drawing. */
export type Answer =
  | { inspection: Inspection | null; failure?: undefined }
  | { inspection?: undefined; failure: string }

export interface InspectorOptions {
  /** The folder of the files to look at and of the copies; the child reads and writes nowhere else. */
  directory: string
  limits?: Partial<InspectorLimits>
}

/** Last words of a child that are kept for the error. */
const LAST_WORDS_MAX = 1_000

interface Child {
  process: ChildProcess
  files: number
  lastWords: string
}

export function createInspector({ directory, limits: given }: InspectorOptions): Inspector {
  const limits = { ...inspectorLimits, ...given }
  const inOrder = createQueue()
  let child: Child | undefined
  let isClosed = false

  function ready(): Child {
    if (child?.process.connected && child.files < limits.filesMax) return child
    child?.process.disconnect()
    const started: Child = { process: launchConfined(directory), files: 0, lastWords: '' }
    started.process.stderr?.on('data', (words: Buffer) => {
      started.lastWords = `${started.lastWords}${words}`.slice(-LAST_WORDS_MAX)
    })
    // A child that cannot be started ends, and the request that waits for it learns so.
    started.process.on('error', () => undefined)
    started.process.once('exit', () => {
      if (child === started) child = undefined
    })
    child = started
    return started
  }

  async function work(question: Question): Promise<Inspection | null> {
    if (isClosed) throw new Error('the inspector is closed')
    const used = ready()
    used.files += 1
    const answer = await ask(used, question, limits).catch((error: unknown) => {
      // It may be ending still; nothing more is asked of it.
      if (child === used) child = undefined
      throw error
    })
    if (used.files === 1) giveWay(used.process.pid)
    if (answer.failure !== undefined) throw new Error(`the file could not be inspected here: ${answer.failure}`)
    return answer.inspection
  }

  return {
    inspect: (request) => inOrder(() => work({ kind: 'inspect', request })) as Promise<Inspection>,
    draw: async (request) => void (await inOrder(() => work({ kind: 'draw', request }))),
    async close() {
      isClosed = true
      const last = child?.process
      if (!last || last.exitCode !== null || last.signalCode !== null) return
      const ended = once(last, 'exit')
      last.kill('SIGKILL')
      await ended
    },
  }
}

/** Sends the question and watches the child until it answers. Kills it beyond its limits. */
async function ask(child: Child, question: Question, limits: InspectorLimits): Promise<Answer> {
  const { process: asked } = child
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const stop = (cause: InspectorCrashed['cause'], message: string) => {
    reject(new InspectorCrashed(cause, message))
    asked.kill('SIGKILL')
  }
  const onExit = (code: number | null, signal: string | null) =>
    reject(new InspectorCrashed('ended', `the inspector ended with ${signal ?? code}: ${child.lastWords}`))
  const onError = (error: Error) => reject(new InspectorCrashed('ended', `the inspector has failed: ${error.message}`))
  asked.once('exit', onExit).once('error', onError).once('message', resolve)
  const begunMs = performance.now()
  const usedBeforeMs = processorMs(asked.pid)
  const look = () => {
    const tookMs = performance.now() - begunMs
    const usedMs = processorMs(asked.pid) - usedBeforeMs
    const isWaiting = usedMs < BUSY * limits.timeMaxMs && tookMs < PATIENCE * limits.timeMaxMs
    if (isWaiting) timer = setTimeout(look, limits.timeMaxMs)
    else stop('time', `the inspector took ${Math.round(tookMs)} ms`)
  }
  let timer = setTimeout(look, limits.timeMaxMs)
  let isOver = false
  const watch = setInterval(() => {
    memoryOf(asked.pid).then((bytes) => {
      if (!isOver && bytes > limits.memoryMaxBytes) stop('memory', `the inspector held ${bytes} bytes`)
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

/** A nice value: a third of the weight of the default. A request that comes has its turn at once, and files still get on. */
const NICENESS = 5

/**
 * Lowers the priority of all its threads, which Linux alone has by thread. That is done behind its first file: by then it has
 * started them all, and its start, for which somebody waits, was not held up.
 */
function giveWay(pid: number | undefined): void {
  if (process.platform !== 'linux') return
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), NICENESS)
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
