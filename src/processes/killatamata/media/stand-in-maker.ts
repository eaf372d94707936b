/** Makes what the stand-in of a provider's queue is asked for, by the same workers and renderers as jobs that are done here. */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createWorkers } from '../../../adapters/media/workers.ts'
import { planOf, taskRules } from '../../../commands/killatamata/media/tasks.ts'
import { mediaTask } from '../../../events/killatamata/media.ts'
import type { StandInOrder } from '../sandbox-parts.ts'
import { madeBy, proberOf, toolLimitsOf, workerLimitsOf } from './looking.ts'
import type { MediaSettings } from './settings.ts'

/** `directory`: of its own; what is in it does not stay. */
export async function openStandInMaker(directory: string, limits: MediaSettings) {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const sizes = { size: limits.MEDIA_CONCURRENCY_MAX, idleMs: limits.MEDIA_WORKER_IDLE_MS }
  const workers = createWorkers({ directory, ...sizes, limits: workerLimitsOf(limits) })
  const prober = madeBy(proberOf(limits))
  const ending = new AbortController()
  return {
    async make({ task: asked, input, sources }: StandInOrder) {
      const task = mediaTask.parse(asked)
      const place = join(directory, randomUUID())
      await mkdir(place, { mode: 0o700 })
      try {
        const inputs = []
        for (const [number, { field, index, mimeType, bytes }] of sources.entries()) {
          const path = join(place, `input-${number}`)
          await writeFile(path, bytes)
          const isList = taskRules[task].sources.some((each) => each.field === field && each.isList)
          inputs.push({ field, index, path, mimeType, isList })
        }
        const planned = inputs.map(({ field, index }) => ({ field, index, measures: undefined }))
        const { outputNames } = planOf({ task, given: input as never, sources: planned })
        const order = { task, input, inputs, directory: place, outputNames }
        const made = await workers.render({ order, prober: prober(), limits: toolLimitsOf(limits) }, ending.signal)
        return await Promise.all(
          made.map(async ({ name, path, mimeType }) => ({ name, mimeType, bytes: await readFile(path) })),
        )
      } finally {
        await rm(place, { recursive: true, force: true })
      }
    },
    async close() {
      ending.abort()
      await workers.close()
    },
  }
}
