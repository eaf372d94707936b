/**
 * The inspector: one child process that looks at one file at a time. Its time and its memory are watched from outside; beyond
 * them it is killed, and the next file gets a new one. A fault in a decoder takes nothing else along.
 */
import { once } from 'node:events'
import { createQueue } from '../../runtime/keyed-queue.ts'
import { type AskedChild, ask, askedChild, type ChildLimits, giveWay } from './asked-child.ts'
import type { DrawingRequest, Inspection, InspectionRequest, Inspector } from './inspection.ts'
import { launchConfined } from './launch.ts'

export interface InspectorLimits extends ChildLimits {
  /** Files that one process looks at; then a new one begins with a clean memory. */
  filesMax: number
}

export const inspectorLimits: InspectorLimits = {
  timeMaxMs: 20_000,
  memoryMaxBytes: 768 * 1_048_576,
  watchIntervalMs: 25,
  filesMax: 2_000,
}

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

type Child = AskedChild & { files: number }

export function createInspector({ directory, limits: given }: InspectorOptions): Inspector {
  const limits = { ...inspectorLimits, ...given }
  const inOrder = createQueue()
  let child: Child | undefined
  let isClosed = false

  function ready(): Child {
    if (child?.process.connected && child.files < limits.filesMax) return child
    child?.process.disconnect()
    const started: Child = Object.assign(askedChild('the inspector', launchConfined(directory)), { files: 0 })
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
    const answer = await ask<Answer>(used, question, limits).catch((error: unknown) => {
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
