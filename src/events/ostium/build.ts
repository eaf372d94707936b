/** Facts of transactions that were handed out unsigned. Stream `ostium.build-<uuid>`. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { channel, ofTrader, operation, transaction } from './vocabulary.ts'

export const buildEvents = {
  'ostium.TransactionsBuilt.v1': z.object({
    ...ofTrader,
    operation,
    channel,
    /** In the request's order. */
    transactions: z.array(transaction),
  }),
}
export type BuildEvent = EventOf<typeof buildEvents>
export type BuildFacts = BuildEvent['data']
