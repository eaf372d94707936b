/** An event store at one address, in whose place another one can be put: what a lost volume or a restored backup are. */
import { cpSync } from 'node:fs'
import { startEventStoreNode } from './event-store-node.ts'
import { temporaryDirectory } from './services.ts'

export interface SwappedStore {
  url: string
  /** The directory of the right one. */
  right: string
  /** What stands at the address from now on: this directory, or a fresh one. Answers with the directory. */
  put(path?: string): Promise<string>
  /** A copy of what the right one holds now; it goes on meanwhile but for a moment. */
  copy(): Promise<string>
  /** Nothing stands at the address until the next `put`. */
  stop(): Promise<void>
  close(): Promise<void>
}

export async function startSwappedStore(): Promise<SwappedStore> {
  const directories = [temporaryDirectory()]
  const right = directories[0]!.path
  const fresh = () => {
    const made = temporaryDirectory()
    directories.push(made)
    return made.path
  }
  let node = await startEventStoreNode({ directory: right })
  const { url, port } = node
  return {
    url,
    right,
    async put(path = fresh()) {
      await node.close()
      node = await startEventStoreNode({ directory: path, port })
      return path
    },
    async copy() {
      const copy = fresh()
      await node.close()
      cpSync(right, copy, { recursive: true })
      node = await startEventStoreNode({ directory: right, port })
      return copy
    },
    stop: () => node.close(),
    async close() {
      await node.close()
      for (const directory of directories) directory.remove()
    },
  }
}
