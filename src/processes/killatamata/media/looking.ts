/** With which programs, and within which limits, files are looked at and made. */
import type { Prober } from '../../../adapters/media/probe.ts'
import { findTools, type ToolLimits, type Tools } from '../../../adapters/media/tools.ts'
import type { MediaSettings } from './settings.ts'

const WATCH_INTERVAL_MS = 50
/** What files that are made have at most. */
const MADE_MAX_BYTES = 536_870_912

export const toolLimitsOf = (limits: MediaSettings): ToolLimits => ({
  timeMaxMs: limits.MEDIA_TOOL_TIME_MAX_MS,
  memoryMaxBytes: limits.MEDIA_TOOL_MEMORY_MAX_BYTES,
  fileMaxBytes: limits.MEDIA_TOOL_FILE_MAX_BYTES,
})

export const workerLimitsOf = (limits: MediaSettings) => ({
  timeMaxMs: limits.MEDIA_JOB_DEADLINE_MS,
  memoryMaxBytes: limits.MEDIA_WORKER_MEMORY_MAX_BYTES,
  watchIntervalMs: WATCH_INTERVAL_MS,
})

/** The programs are looked for once they are needed, and then known. Throws ToolMissing. */
export function proberOf(limits: MediaSettings): () => Prober {
  let tools: Tools | undefined
  return () => {
    tools ??= findTools({ ffmpeg: limits.FFMPEG_PATH, ffprobe: limits.FFPROBE_PATH })
    return {
      ...{ tools, tool: toolLimitsOf(limits) },
      limits: {
        ...{ imageBytes: limits.MEDIA_IMAGE_MAX_BYTES, imagePixels: limits.MEDIA_IMAGE_PIXELS_MAX },
        ...{ audioBytes: limits.MEDIA_AUDIO_MAX_BYTES, videoBytes: limits.MEDIA_VIDEO_MAX_BYTES },
        ...{ durationMs: limits.MEDIA_INPUT_DURATION_MAX_MS, videoPixels: limits.MEDIA_VIDEO_PIXELS_MAX },
        videoFrames: limits.MEDIA_VIDEO_FRAMES_MAX,
      },
    }
  }
}

/** Looks at files that are made: they may be larger than those that are given. */
export const madeBy = (prober: () => Prober) => (): Prober => {
  const { limits, ...rest } = prober()
  const bytes = { imageBytes: MADE_MAX_BYTES, audioBytes: MADE_MAX_BYTES, videoBytes: MADE_MAX_BYTES }
  return { ...rest, limits: { ...limits, ...bytes, durationMs: 24 * limits.durationMs } }
}
