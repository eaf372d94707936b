/**
 * Workers: child processes that look at files and make them, so that no encoding shares an event loop with anybody. Each has one
 * question at a time, is watched, and is killed beyond its limits. One that has nothing to do for a while ends.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type AskedChild, ask, askedChild, type ChildLimits, giveWay } from '../inspection/asked-child.ts'
import { launchConfined } from '../inspection/launch.ts'
import type { MediaKind } from './media-types.ts'
import { type FailureCode, type RenderedFile, RenderFailed, type RenderOrder } from './order.ts'
import { NotTaken, type Probed, type Prober } from './probe.ts'
import type { ToolLimits } from './tools.ts'

export type Question =
  | { kind: 'probe'; path: string; wanted: MediaKind; prober: Prober }
  | { kind: 'render'; order: RenderOrder; prober: Prober; limits: ToolLimits }

export type Answer =
  | { kind: 'probed'; probed: Probed }
  | { kind: 'rendered'; files: RenderedFile[] }
  /** The input, or the work, is at fault: another attempt ends alike. */
  | { kind: 'refused'; code: FailureCode; message: string }
  | { kind: 'failed'; message: string }

export interface WorkersOptions {
  /** The folder of all files that they read and write. */
  directory: string
  /** How many work at a time. */
  size: number
  limits: ChildLimits
  /** Without work, after which one ends. */
  idleMs: number
}

export interface Workers {
  /** Throws NotTaken, and InspectorCrashed where the worker has ended. */
  probe(question: Omit<Extract<Question, { kind: 'probe' }>, 'kind'>): Promise<Probed>
  /** Throws RenderFailed, and InspectorCrashed where the worker has ended. `signal` kills it. */
  render(question: Omit<Extract<Question, { kind: 'render' }>, 'kind'>, signal: AbortSignal): Promise<RenderedFile[]>
  /** Of the processes that are there now. */
  pids(): number[]
  close(): Promise<void>
}

/** A thirtieth of the weight of whoever answers requests: as many as there are processors hold none up. */
const NICENESS = 15
/** Of one that makes files, with all of its threads and what it starts: as ffmpeg has it, see tools.ts. */
const MAKES_WAY = { program: '/usr/bin/chrt', options: ['--all-tasks', '--idle', '--pid', '0'] }
const PROGRAM = fileURLToPath(new URL('./worker.ts', import.meta.url))

type Worker = AskedChild & { idle?: NodeJS.Timeout; isNice: boolean; makesWay: boolean }

export function createWorkers({ directory, size, limits, idleMs }: WorkersOptions): Workers {
  const all = new Set<Worker>()
  const free: Worker[] = []
  const waiting: ((worker: Worker) => void)[] = []
  let isClosed = false

  function start(): Worker {
    const child = askedChild('the worker', launchConfined(directory, PROGRAM, { mayStart: true }))
    const worker: Worker = Object.assign(child, { isNice: false, makesWay: false })
    all.add(worker)
    worker.process.once('exit', () => {
      all.delete(worker)
      const at = free.indexOf(worker)
      if (at >= 0) free.splice(at, 1)
    })
    return worker
  }

  async function take(): Promise<Worker> {
    if (isClosed) throw new Error('the workers are closed')
    const worker = free.pop()
    if (worker) {
      clearTimeout(worker.idle)
      return worker
    }
    if (all.size < size) return start()
    return new Promise((resolve) => waiting.push(resolve))
  }

  function give(worker: Worker): void {
    const isAlive = worker.process.connected && worker.process.exitCode === null && worker.process.signalCode === null
    if (!isAlive) all.delete(worker)
    const next = waiting.shift()
    if (next) next(isAlive ? worker : start())
    else if (isAlive && isClosed) worker.process.disconnect()
    else if (isAlive) {
      free.push(worker)
      worker.idle = setTimeout(() => worker.process.disconnect(), idleMs)
      worker.idle.unref()
    }
  }

  function beNice(worker: Worker): void {
    if (!worker.isNice) giveWay(worker.process.pid, NICENESS)
    worker.isNice = true
  }

  /** Where the system does not have this, or does not let us, the nice value is what there is. */
  function makeWay(worker: Worker): void {
    const { program, options } = MAKES_WAY
    if (!worker.makesWay) execFile(program, [...options, String(worker.process.pid)], () => undefined)
    worker.makesWay = true
  }

  async function answerTo(question: Question, signal?: AbortSignal): Promise<Answer> {
    const worker = await take()
    const kill = () => void worker.process.kill('SIGKILL')
    signal?.addEventListener('abort', kill, { once: true })
    try {
      signal?.throwIfAborted()
      // Of a look somebody waits for the answer; making takes long, its start too, and the programs that it starts.
      if (question.kind === 'render') {
        beNice(worker)
        makeWay(worker)
      }
      const answer = await ask<Answer>(worker, question, limits)
      beNice(worker)
      return answer
    } catch (error) {
      // It may be ending still; nothing more is asked of it.
      kill()
      await gone(worker)
      throw error
    } finally {
      signal?.removeEventListener('abort', kill)
      give(worker)
    }
  }

  async function gone({ process }: Worker): Promise<void> {
    if (process.exitCode === null && process.signalCode === null && process.pid !== undefined)
      await once(process, 'exit')
  }

  return {
    async probe(question) {
      const answer = await answerTo({ kind: 'probe', ...question })
      if (answer.kind === 'probed') return answer.probed
      if (answer.kind === 'refused') throw new NotTaken(answer.message)
      throw new Error(`a file could not be looked at here: ${'message' in answer ? answer.message : answer.kind}`)
    },
    async render(question, signal) {
      const answer = await answerTo({ kind: 'render', ...question }, signal)
      if (answer.kind === 'rendered') return answer.files
      if (answer.kind === 'refused') throw new RenderFailed(answer.code, answer.message)
      throw new Error(`nothing could be made here: ${'message' in answer ? answer.message : answer.kind}`)
    },
    pids: () => [...all].flatMap(({ process: { pid } }) => pid ?? []),
    async close() {
      isClosed = true
      await Promise.all(
        [...all].map(async (worker) => {
          worker.process.kill('SIGKILL')
          await gone(worker)
        }),
      )
    },
  }
}
