/** Puts together what media jobs need, from the settings: workers, programs, object store, guard, provider. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalProvider, localTasks } from '../../../adapters/media/local.ts'
import type { MediaProvider } from '../../../adapters/media/order.ts'
import type { Prober } from '../../../adapters/media/probe.ts'
import { findTools, type ToolLimits, type Tools } from '../../../adapters/media/tools.ts'
import { createWorkers, type Workers } from '../../../adapters/media/workers.ts'
import { openObjectStore } from '../../../adapters/object-store/open-store.ts'
import type { ContextParts } from '../../../context.ts'
import { findMediaFiles, measuresOf } from '../../../projections/killatamata/media.ts'
import { createObjectKeys } from '../../../vault/object-keys.ts'
import { createResolve } from '../../../webhooks/request.ts'
import { createSignInDigests } from '../digests.ts'
import { ledgersOf } from '../opening.ts'
import { killatamataSettings } from '../settings.ts'
import { assetFileIn } from './asset-files.ts'
import { type CallbackKeys, createCallbackKeys } from './callback-keys.ts'
import { createFileAddresses, readFilePath } from './files.ts'
import type { FindOwnFile, Media } from './parts.ts'
import type { MediaSettings } from './settings.ts'

/** Keys in memory; one that another process destroys is noticed within this time. */
const CACHE = { cachedMax: 100, ttlMs: 60_000 }
const WATCH_INTERVAL_MS = 50
/** What files of ours have at most. */
const MADE_MAX_BYTES = 536_870_912

const toolLimitsOf = (limits: MediaSettings): ToolLimits => ({
  timeMaxMs: limits.MEDIA_TOOL_TIME_MAX_MS,
  memoryMaxBytes: limits.MEDIA_TOOL_MEMORY_MAX_BYTES,
  fileMaxBytes: limits.MEDIA_TOOL_FILE_MAX_BYTES,
})

/** The programs are looked for once they are needed, and then known. Throws ToolMissing. */
function proberOf(limits: MediaSettings): () => Prober {
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
const madeBy = (prober: () => Prober) => (): Prober => {
  const { limits, ...rest } = prober()
  const bytes = { imageBytes: MADE_MAX_BYTES, audioBytes: MADE_MAX_BYTES, videoBytes: MADE_MAX_BYTES }
  return { ...rest, limits: { ...limits, ...bytes, durationMs: 24 * limits.durationMs } }
}

export interface OpenMedia {
  media: Media
  workers: Workers
  keys: CallbackKeys
  close(): Promise<void>
}

/** `part`: whose folder and workers they are; a process has several parts of an instance. */
export async function openMedia(
  parts: ContextParts,
  part: string,
  { size, sandboxOrigin = () => undefined }: { size?: number; sandboxOrigin?: () => string | undefined } = {},
): Promise<OpenMedia> {
  const { bus, db, config, clock, keyRing, apiUrl } = parts
  const limits = parts.settings(killatamataSettings)
  const directory = join(config.DATA_DIR, 'media', part)
  // What a killed process has left behind.
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const objects = await openObjectStore(limits, {
    directory: join(config.DATA_DIR, 'objects'),
    keys: keyRing.all,
    linkBase: () => `${apiUrl()}/killatamata/objects`,
    now: clock.now,
  })
  const workers = createWorkers({
    ...{ directory, size: size ?? limits.MEDIA_CONCURRENCY_MAX, idleMs: limits.MEDIA_WORKER_IDLE_MS },
    limits: {
      timeMaxMs: limits.MEDIA_JOB_DEADLINE_MS,
      memoryMaxBytes: limits.MEDIA_WORKER_MEMORY_MAX_BYTES,
      watchIntervalMs: WATCH_INTERVAL_MS,
    },
  })
  const prober = proberOf(limits)
  const objectKeys = createObjectKeys(db, keyRing, CACHE)
  const addresses = createFileAddresses(objectKeys, apiUrl)
  const local = createLocalProvider({
    ...{ workers, prober: madeBy(prober), limits: toolLimitsOf(limits), tasks: localTasks() },
  })
  const media: Media = {
    ...{ bus, db, ledgers: ledgersOf(parts), objects, addresses, apiUrl, workers, prober, directory, limits },
    ownFiles: [
      ownFileIn({ db, addresses, limits, now: clock.now }),
      assetFileIn({ db, objects, workers, prober, directory }, createSignInDigests(objectKeys).assetTokenOf),
    ],
    outbound: {
      allowsLoopback: config.WEBHOOK_ALLOW_PRIVATE,
      sandboxOrigin,
      resolve: createResolve(),
    },
    providerOf: providersOf([local]),
  }
  return { media, workers, keys: createCallbackKeys(objectKeys), close: () => workers.close() }
}

/** The first that knows the task. */
export const providersOf =
  (providers: readonly MediaProvider[]) =>
  (task: string): MediaProvider | undefined =>
    providers.find(({ tasks }) => tasks.includes(task))

/** Finds files of media jobs by their addresses. */
export function ownFileIn({
  db,
  addresses,
  limits,
  now,
}: Pick<Media, 'db' | 'addresses' | 'limits'> & { now: () => Date }): FindOwnFile {
  return async (path) => {
    const address = readFilePath(path)
    if (!address) return undefined
    for (const file of await findMediaFiles(db, address.jobId)) {
      const isAsked = file.name === address.name && (await addresses.isTokenOf(file.file_id, address.token))
      const isOver =
        file.deleted_at !== null || Date.parse(file.completed_at) + limits.MEDIA_FILE_LIFE_MS <= now().getTime()
      if (!isAsked) continue
      if (isOver) return null
      const { object_key: objectKey, sha256, mime_type: mimeType, size_bytes } = file
      return { objectKey, sha256, mimeType, sizeBytes: Number(size_bytes), measures: measuresOf(file) }
    }
    return null
  }
}
