/** The log as its leader knows it, over one connection. */
import type { Connection } from '../eventstore/connection.ts'
import { NoSuchPosition, readPage } from '../eventstore/read.ts'
import type { StoredEvent } from '../eventstore/read-messages.ts'
import type { Selection } from '../eventstore/read-requests.ts'
import { LOG_IDENTIFIED, LOG_IDENTITY_STREAM, type LogView } from './log-identity.ts'

/** Events at the end that are searched for one that is not the store's own. */
export const TAIL_MAX = 32n

/** Its reads reject as readPage does, and ask the leader alone: a follower may be behind. */
export function viewLog(connection: Connection, readTimeoutMs: number): LogView {
  const read = (selection: Selection): Promise<StoredEvent[]> =>
    readPage(connection, selection, readTimeoutMs, { requiresLeader: true })
  return {
    async logId() {
      const [first] = await read({ stream: LOG_IDENTITY_STREAM, from: 'start', direction: 'forwards', count: 1n })
      const { logId } = (first?.type === LOG_IDENTIFIED ? first.data : {}) as { logId?: unknown }
      return typeof logId === 'string' ? logId : undefined
    },
    async eventIdAt(position) {
      try {
        const [found] = await read({ from: position, direction: 'forwards', count: 1n })
        return found?.position.commit === position ? found.id : undefined
      } catch (error) {
        if (error instanceof NoSuchPosition) return undefined
        throw error
      }
    },
    async headPosition() {
      const tail = await read({ from: 'end', direction: 'backwards', count: TAIL_MAX })
      return tail.find(({ type }) => !type.startsWith('$'))?.position.commit
    },
  }
}
