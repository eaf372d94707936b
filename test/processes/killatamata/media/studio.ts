/** Workers of the tests' own, and what ffprobe counts in a file. */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { InputFile } from '../../../../src/adapters/media/order.ts'
import type { Prober } from '../../../../src/adapters/media/probe.ts'
import { findTools, runTool, type ToolLimits } from '../../../../src/adapters/media/tools.ts'
import { createWorkers } from '../../../../src/adapters/media/workers.ts'
import type { Given, PlannedSource } from '../../../../src/commands/killatamata/media/plan.ts'
import { planOf } from '../../../../src/commands/killatamata/media/tasks.ts'
import type { MediaTask } from '../../../../src/events/killatamata/media.ts'
import { temporaryDirectory } from '../../../support/services.ts'

const MIB = 1_048_576
export const toolLimits: ToolLimits = { timeMaxMs: 60_000, memoryMaxBytes: 2_048 * MIB, fileMaxBytes: 256 * MIB }

export const prober = (): Prober => ({
  ...{ tools: findTools({}), tool: toolLimits },
  limits: {
    ...{ imageBytes: 12 * MIB, imagePixels: 40_000_000, audioBytes: 20 * MIB, videoBytes: 256 * MIB },
    ...{ durationMs: 600_000, videoPixels: 33_177_600, videoFrames: 80_000 },
  },
})

export function startStudio() {
  const directory = temporaryDirectory()
  const limits = { timeMaxMs: 120_000, memoryMaxBytes: 1_024 * MIB, watchIntervalMs: 50 }
  const workers = createWorkers({ directory: directory.path, size: 2, limits, idleMs: 30_000 })
  const { signal } = new AbortController()
  return {
    ...{ directory: directory.path, workers },
    /** Plans the input as the API does, and makes the first file of it. */
    async make(task: MediaTask, given: Given, files: readonly InputFile[] = []) {
      const sources: PlannedSource[] = []
      for (const { field, index, path } of files) {
        const wanted = field.toLowerCase().includes('audio') ? 'audio' : field.includes('ideo') ? 'video' : 'image'
        const { measures } = await workers.probe({ path, wanted, prober: prober() })
        sources.push({ field, index, measures })
      }
      const plan = planOf({ task, given, sources })
      const place = mkdtempSync(join(directory.path, 'made-'))
      const order = { task, input: plan.effective, inputs: files, directory: place, outputNames: plan.outputNames }
      const [file] = await workers.render({ order, prober: prober(), limits: toolLimits }, signal)
      if (!file) throw new Error('nothing was made')
      return { plan, file }
    },
    /** What is in the file, frames counted by decoding them. */
    async counted(path: string) {
      const shown = ['-count_frames', '-show_format', '-show_streams', '-of', 'json', path]
      const told = await runTool(findTools({}), 'ffprobe', ['-v', 'error', ...shown], { cwd: '/', limits: toolLimits })
      const { streams, format } = JSON.parse(told)
      const of = (kind: string) => streams.find(({ codec_type }: { codec_type: string }) => codec_type === kind)
      return { video: of('video'), audio: of('audio'), durationS: Number(format.duration) }
    },
    async close() {
      await workers.close()
      directory.remove()
    },
  }
}
