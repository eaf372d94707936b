/** A private event store node and a client on it, for tests that need the log and nothing else. */

import type { Registry } from '../../src/events/registry.ts'
import { createEventStore, type EventStore } from '../../src/events/store.ts'
import { registry as registryOfLoaded } from './contexts.ts'
import { startEventStoreNode } from './event-store-node.ts'
import { type MemoryKeys, memoryKeys } from './person-keys.ts'
import { temporaryDirectory } from './services.ts'

export interface TestStore {
  url: string
  store: EventStore
  keys: MemoryKeys
  close(): Promise<void>
}

/** `registry`: what its client takes events for; default: those of the contexts that the test's project loads. */
export async function startTestStore(registry: Registry = registryOfLoaded): Promise<TestStore> {
  const directory = temporaryDirectory()
  const node = await startEventStoreNode({ directory: directory.path })
  const keys = memoryKeys()
  const store = createEventStore({ registry, url: node.url, deadlineMs: 5_000, appendAttemptsMax: 3, personKeys: keys })
  return {
    url: node.url,
    store,
    keys,
    close: async () => {
      await store.close()
      await node.close()
      directory.remove()
    },
  }
}

/** Every event of a stream. */
export async function eventsOf(store: EventStore, stream: string) {
  return Array.fromAsync(store.readStream(stream))
}
