/** The queue of a provider elsewhere, from the settings: which tasks it does, and how its files come here. */
import { join } from 'node:path'
import type { MediaProvider } from '../../../adapters/media/order.ts'
import type { Prober } from '../../../adapters/media/probe.ts'
import { lookAtMade } from '../../../adapters/media/queue-files.ts'
import { createQueueProvider } from '../../../adapters/media/queue-http.ts'
import type { Workers } from '../../../adapters/media/workers.ts'
import type { Log } from '../../../log.ts'
import { InvalidConfiguration } from '../../../runtime/invalid-configuration.ts'
import { fetchFile, type Outbound } from './outbound.ts'
import type { ProviderCallbacks } from './provider-callbacks.ts'
import type { MediaSettings } from './settings.ts'

interface QueueParts {
  limits: MediaSettings
  outbound: Outbound
  workers: Pick<Workers, 'probe'>
  /** Of files that are made. */
  prober: () => Prober
  callbacks: Pick<ProviderCallbacks, 'urlOf'>
  log: Pick<Log, 'warn'>
}

/** Undefined: everything is done here. Throws InvalidConfiguration where it is said what a queue does, and not where it is. */
export function openQueue({
  limits,
  outbound,
  workers,
  prober,
  callbacks,
  log,
}: QueueParts): MediaProvider | undefined {
  const models = Object.fromEntries(
    Object.entries(limits.MEDIA_QUEUE_MODELS).flatMap(([task, model]) => (model ? [[task, model] as const] : [])),
  )
  if (Object.keys(models).length === 0) return undefined
  const sandbox = outbound.sandboxOrigin()
  const url = limits.MEDIA_QUEUE_URL ?? (sandbox && `${sandbox}/queue`)
  if (url === undefined) throw new InvalidConfiguration('MEDIA_QUEUE_MODELS needs MEDIA_QUEUE_URL: where the queue is.')
  return createQueueProvider({
    ...{ url, key: limits.MEDIA_QUEUE_KEY, models, log, callbackUrl: callbacks.urlOf },
    async fetchMade(from, order, index, signal) {
      const to = join(order.directory, order.outputNames[index] ?? `made-${index}`)
      const bounds = { bytesMax: limits.MEDIA_TOOL_FILE_MAX_BYTES, timeoutMs: limits.MEDIA_FETCH_TIMEOUT_MS }
      await fetchFile(outbound, { url: from, to, ...bounds, signal })
      return lookAtMade({ workers, prober }, to, order, index)
    },
    limits: {
      ...{ requestMs: limits.MEDIA_QUEUE_TIMEOUT_MS, pollMs: limits.MEDIA_QUEUE_POLL_INTERVAL_MS },
      bodyMaxBytes: limits.MEDIA_QUEUE_BODY_MAX_BYTES,
    },
  })
}
