/**
 * What partners are sent of an event: a pure function of the event and of its account's unchanging facts, so that a
 * replay sends the same bytes under the same id. Standard Webhooks asks for no more than `type` and `data`.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { CommandBus } from '../../commands/handle.ts'
import { account } from '../../commands/noctant/account.ts'
import type { Recorded } from '../../events/event.ts'
import { categoryOf } from '../../events/event.ts'
import { type PublishedEvent, publishedData } from '../../events/published.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { projectionsCheckpoint, readCheckpoint } from '../../projections/checkpoint.ts'
import { type AccountOwner, findAccountOwner } from '../../projections/noctant/partner-event.ts'
import { snakeCase } from '../../runtime/letter-case.ts'
import { createLru } from '../../runtime/lru.ts'

export interface EventOwner {
  /** The operator. */
  tenantId: string
  /** The operator's own name of the account; null where the event is about none. */
  externalAccountId: string | null
}

/** JSON.rawJSON of ECMAScript, which the compiler's library does not know yet: a number as exact as its text. */
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): object }

export function payloadOf(event: Recorded, partner: PublishedEvent, owner: EventOwner): string {
  const category = categoryOf(event.stream)
  return JSON.stringify({
    type: partner.type,
    id: event.id,
    occurred_at: event.data.occurredAt,
    recorded_at: event.recordedAt.toISOString(),
    operator_id: owner.tenantId,
    external_account_id: owner.externalAccountId,
    aggregate: snakeCase(category.slice(category.indexOf('.') + 1)),
    aggregate_id: event.stream.slice(category.length + 1),
    aggregate_revision: rawJSON(event.revision.toString()),
    data: publishedData(partner, event.data),
  })
}

export type OwnerOf = (event: Recorded) => Promise<EventOwner | undefined>

export interface OwnerOptions {
  bus: CommandBus
  db: ReadModels
  cachedMax: number
  /** How long the read models may take to come as far as the event. */
  waitMaxMs: number
}

const WAIT_POLL_MS = 20

/**
 * Who is to hear of an event. Most events say so; the engine's name an execution account, whose owner the read models
 * know. Undefined: nobody that this system knows. Throws where the read models do not come far enough to tell.
 */
export function createOwnerOf({ bus, db, cachedMax, waitMaxMs }: OwnerOptions): OwnerOf {
  const byExecutionAccount = createLru<string, EventOwner>(cachedMax)

  async function ofAccount(programAccountId: string): Promise<EventOwner | undefined> {
    const state = await bus.load(account, programAccountId)
    if (state.status === 'absent') return undefined
    const { operatorId: tenantId, externalAccountId } = state.facts
    return { tenantId, externalAccountId }
  }

  const ofRow = ({ operator_id: tenantId, program_account_id: id }: AccountOwner) =>
    id === null ? { tenantId, externalAccountId: null } : ofAccount(id)

  async function ofExecutionAccount(accountId: string, position: bigint): Promise<EventOwner | undefined> {
    const kept = byExecutionAccount.get(accountId)
    if (kept) return kept
    const row = await patiently(() => findAccountOwner(db, accountId), position)
    const owner = row && (await ofRow(row))
    if (owner) byExecutionAccount.set(accountId, owner)
    return owner
  }

  /** Asks until there is an answer, or the read models have taken in the event and there still is none. */
  async function patiently<T>(ask: () => Promise<T | undefined>, position: bigint): Promise<T | undefined> {
    const deadlineMs = performance.now() + waitMaxMs
    for (;;) {
      const standing = (await readCheckpoint(db, projectionsCheckpoint('noctant')))?.position ?? -1n
      const answer = await ask()
      if (answer !== undefined || standing >= position) return answer
      if (performance.now() > deadlineMs) throw new Error(`the read models have not come to position ${position} yet`)
      await delay(WAIT_POLL_MS)
    }
  }

  return async ({ data, position }) => {
    const { operatorId, programAccountId, accountId } = data
    if (typeof programAccountId === 'string') return ofAccount(programAccountId)
    if (typeof operatorId === 'string') return { tenantId: operatorId, externalAccountId: null }
    return typeof accountId === 'string' ? ofExecutionAccount(accountId, position) : undefined
  }
}
