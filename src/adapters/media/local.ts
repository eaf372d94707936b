/**
 * The provider that makes real files on this machine, in workers. What a caller may choose (size, format, frames, length, order, sound,
 * faces) is true of the file; the same order makes the same file. Its refs die with this process.
 */
import { createRequire } from 'node:module'
import { type MediaProvider, type Progress, RenderFailed } from './order.ts'
import type { Prober } from './probe.ts'
import type { ToolLimits } from './tools.ts'
import type { Workers } from './workers.ts'

export interface LocalOptions {
  workers: Pick<Workers, 'render'>
  /** Throws ToolMissing where a task needs a program that is not here. */
  prober: () => Prober
  limits: ToolLimits
  /** Tasks that can be made on this machine. */
  tasks: readonly string[]
}

export function createLocalProvider({ workers, prober, limits, tasks }: LocalOptions): MediaProvider {
  const underWay = new Map<string, { progress: Promise<Progress>; cancel: AbortController }>()
  return {
    name: 'local',
    tasks,
    isDurable: false,
    async submit({ requestId, attempt, order }) {
      const ref = `${requestId}/${attempt}`
      const cancel = new AbortController()
      const progress = workers.render({ order, prober: prober(), limits }, cancel.signal).then(
        (files): Progress => ({ status: 'done', files }),
        (error: unknown): Progress => {
          if (error instanceof RenderFailed) return { status: 'failed', code: error.code, message: error.message }
          throw error
        },
      )
      // Whoever polls learns of it.
      progress.catch(() => undefined)
      underWay.set(ref, { progress, cancel })
      return { ref }
    },
    async poll(ref, _job, signal) {
      const work = underWay.get(ref)
      if (!work) throw new Error(`${ref} is not under way here`)
      const stop = () => work.cancel.abort()
      signal.addEventListener('abort', stop, { once: true })
      try {
        return await work.progress
      } finally {
        signal.removeEventListener('abort', stop)
        underWay.delete(ref)
      }
    },
    async cancel(ref) {
      underWay.get(ref)?.cancel.abort()
      underWay.delete(ref)
    },
  }
}

const TASKS = [
  ...['image.generate', 'image.edit', 'video.generate', 'video.combine', 'video.resize'],
  ...['audio.annotation.reference', 'ace.step.create', 'moss.sound.effect', 'trellis.generate'],
]

/** What this machine can make: speech needs a package that may be missing. */
export function localTasks(): string[] {
  try {
    createRequire(import.meta.url).resolve('espeak-ng')
    return [...TASKS, 'audio.speak']
  } catch {
    return TASKS
  }
}
