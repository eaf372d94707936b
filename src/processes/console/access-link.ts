/** Makes a link that opens the console to an administrator: for the command line, and for whoever starts an instance. */
import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import { accessLink, linkIdOf } from '../../commands/console/access-link.ts'
import { commandContext } from '../../commands/context.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { hashSecret, newSecret } from '../../runtime/secret.ts'

interface Wanted {
  /** Where the console is reached, without a slash at its end. */
  url: string
  ttlMs: number
  isReadOnly: boolean
  now: Date
}

/** The link stands in the answer alone: what is recorded does not lead back to it. */
export async function issueLink(bus: CommandBus, { url, ttlMs, isReadOnly, now }: Wanted) {
  const token = newSecret()
  const tokenHash = hashSecret(token)
  const linkId = linkIdOf(tokenHash)
  const at = now.toISOString()
  const expiresAt = new Date(now.getTime() + ttlMs).toISOString()
  const issuedBy = userInfo().username
  const facts = { linkId, tokenHash, issuedBy, isReadOnly, expiresAt }
  const context = commandContext({ kind: 'admin', id: issuedBy }, randomUUID(), at)
  await bus.handle(accessLink, linkId, { kind: 'issue', facts, at }, context)
  return { url: `${url}/console/enter/${token}`, expiresAt }
}
