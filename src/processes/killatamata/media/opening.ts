/** Puts together what media jobs need, from the settings: workers, programs, object store, guard, provider. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalProvider, localTasks } from '../../../adapters/media/local.ts'
import type { MediaProvider } from '../../../adapters/media/order.ts'
import { createWorkers, type Workers } from '../../../adapters/media/workers.ts'
import { openObjectStore } from '../../../adapters/object-store/open-store.ts'
import type { ContextParts } from '../../../context.ts'
import { findMediaFiles, measuresOf } from '../../../projections/killatamata/media.ts'
import { createObjectKeys } from '../../../vault/object-keys.ts'
import { createResolve } from '../../../webhooks/request.ts'
import { newProcessHealth } from '../../process.ts'
import { createSignInDigests } from '../digests.ts'
import { ledgersOf } from '../opening.ts'
import { killatamataSettings } from '../settings.ts'
import { assetFileIn } from './asset-files.ts'
import { type CallbackKeys, createCallbackKeys } from './callback-keys.ts'
import { createFileAddresses, readFilePath } from './files.ts'
import { madeBy, proberOf, toolLimitsOf, workerLimitsOf } from './looking.ts'
import type { Outbound } from './outbound.ts'
import type { FindOwnFile, Media } from './parts.ts'
import { createProviderCallbacks } from './provider-callbacks.ts'
import { openQueue } from './queue.ts'

/** Keys in memory; one that another process destroys is noticed within this time. */
const CACHE = { cachedMax: 100, ttlMs: 60_000 }

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
    limits: workerLimitsOf(limits),
  })
  const prober = proberOf(limits)
  const objectKeys = createObjectKeys(db, keyRing, CACHE)
  const digests = createSignInDigests(objectKeys)
  const addresses = createFileAddresses(digests, apiUrl)
  const local = createLocalProvider({
    ...{ workers, prober: madeBy(prober), limits: toolLimitsOf(limits), tasks: localTasks() },
  })
  const outbound: Outbound = {
    ...{ allowsLoopback: config.WEBHOOK_ALLOW_PRIVATE, sandboxOrigin, resolve: createResolve() },
  }
  const providerCallbacks = createProviderCallbacks(objectKeys, apiUrl)
  const { log } = parts.dependenciesOf(part, newProcessHealth())
  const queue = openQueue({ limits, outbound, workers, prober: madeBy(prober), callbacks: providerCallbacks, log })
  const media: Media = {
    ...{ bus, db, ledgers: ledgersOf(parts), objects, addresses, apiUrl, workers, prober, directory, limits },
    ...{ outbound, providerCallbacks },
    ownFiles: [
      ownFileIn({ db, addresses, limits, now: clock.now }),
      assetFileIn({ db, objects, workers, prober, directory }, digests),
    ],
    providerOf: providersOf(queue ? [queue, local] : [local]),
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
