/** Which trace a delivery belongs to: that of the event that it tells of. Its endpoint is told, in the header `traceparent`. */
import type { EventStore } from '../events/store.ts'
import { createLru } from '../runtime/lru.ts'

export interface DeliveryTraces {
  /** A delivery that was made in this process; undefined: it belongs to no trace. */
  note(deliveryId: string, traceparent: string | undefined): void
  of(deliveryId: string): Promise<string | undefined>
}

/** One that another process has made is looked up, once. */
export function createDeliveryTraces(
  store: Pick<EventStore, 'readStream'>,
  streamOf: (deliveryId: string) => string,
  knownMax: number,
): DeliveryTraces {
  const known = createLru<string, { traceparent: string | undefined }>(knownMax)
  return {
    note: (deliveryId, traceparent) => void known.set(deliveryId, { traceparent }),
    async of(deliveryId) {
      let found = known.get(deliveryId)
      if (!found) {
        const [first] = await Array.fromAsync(store.readStream(streamOf(deliveryId), { maxCount: 1n }))
        found = { traceparent: first?.metadata.traceparent }
        known.set(deliveryId, found)
      }
      return found.traceparent
    },
  }
}
