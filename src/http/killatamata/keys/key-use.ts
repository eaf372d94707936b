/** Notes the days on which a key was used: beside the request that it signed, never in its way. */
import { randomUUID } from 'node:crypto'
import { systemContext } from '../../../commands/context.ts'
import type { CommandBus } from '../../../commands/handle.ts'
import { apiKeyUse } from '../../../commands/killatamata/api-key-use.ts'
import type { Log } from '../../../log.ts'
import { createLru } from '../../../runtime/lru.ts'
import type { KillatamataParts } from '../access.ts'

/** Keys whose last day is remembered. */
const KEYS_MAX = 20_000
const DAY_LENGTH = '2026-01-01'.length

interface Options {
  bus: CommandBus
  log: Pick<Log, 'warn'>
  clock: () => Date
}

export function createKeyUse({ bus, log, clock }: Options): KillatamataParts['noteUse'] {
  const noted = createLru<string, string>(KEYS_MAX)
  return ({ accountId, keyId }) => {
    const at = clock().toISOString()
    const day = at.slice(0, DAY_LENGTH)
    if (noted.get(keyId) === day) return
    noted.set(keyId, day)
    const context = systemContext('killatamata-keys', randomUUID(), at)
    bus.handle(apiKeyUse, keyId, { accountId, keyId, at }, context).catch((err: unknown) => {
      log.warn({ err, keyId }, 'the use of a key could not be noted; the next use will be')
      noted.delete(keyId)
    })
  }
}
