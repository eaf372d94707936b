/** Notes that a key is in use: beside the request that it signed, never in its way, and now and again only. */
import { randomUUID } from 'node:crypto'
import { systemContext } from '../../../commands/context.ts'
import { organization } from '../../../commands/firsthand/organization.ts'
import type { CommandBus } from '../../../commands/handle.ts'
import type { Log } from '../../../log.ts'
import { createLru } from '../../../runtime/lru.ts'
import type { FirsthandParts } from '../access.ts'

/** Keys whose last note is remembered, until the read models have it. */
const KEYS_MAX = 20_000

export function createKeyUse({
  bus,
  log,
  clock,
  gapMinMs,
}: {
  bus: CommandBus
  log: Pick<Log, 'warn'>
  clock: () => Date
  /** Least time between two notes. */
  gapMinMs: number
}): FirsthandParts['noteUse'] {
  const noted = createLru<string, number>(KEYS_MAX)
  return ({ organization_id: organizationId, key_id: keyId, last_used_at }) => {
    const now = clock()
    const last = noted.get(keyId) ?? (last_used_at === null ? undefined : Date.parse(last_used_at))
    if (last !== undefined && now.getTime() - last < gapMinMs) return
    noted.set(keyId, now.getTime())
    const at = now.toISOString()
    const context = systemContext('firsthand-keys', randomUUID(), at)
    const command = { kind: 'noteKeyUse', keyId, usedAt: at, gapMinMs, at } as const
    bus.handle(organization, organizationId, command, context).catch((err: unknown) => {
      log.warn({ err, keyId }, 'the use of a key could not be noted; the next use will be')
      noted.delete(keyId)
    })
  }
}
