/** Notes that a token is in use: beside the request that it signed, never in its way, and now and again only. */
import { randomUUID } from 'node:crypto'
import { systemContext } from '../../../commands/context.ts'
import type { CommandBus } from '../../../commands/handle.ts'
import { adminToken } from '../../../commands/rungate/admin-token.ts'
import type { Log } from '../../../log.ts'
import { createLru } from '../../../runtime/lru.ts'
import type { RungateParts } from '../access.ts'

/** Tokens whose last note is remembered, until the read models have it. */
const TOKENS_MAX = 20_000

export function createTokenUse({
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
}): RungateParts['noteUse'] {
  const noted = createLru<string, number>(TOKENS_MAX)
  return ({ token_id: tokenId, last_used_at }) => {
    const now = clock()
    const last = noted.get(tokenId) ?? (last_used_at === null ? undefined : Date.parse(last_used_at))
    if (last !== undefined && now.getTime() - last < gapMinMs) return
    noted.set(tokenId, now.getTime())
    const at = now.toISOString()
    const context = systemContext('rungate-tokens', randomUUID(), at)
    bus.handle(adminToken, tokenId, { kind: 'noteUse', gapMinMs, at }, context).catch((err: unknown) => {
      log.warn({ err, tokenId }, 'the use of a token could not be noted; the next use will be')
      noted.delete(tokenId)
    })
  }
}
