/**
 * Admin tokens with their names and places. A token is made like whatever has a name (creating.ts), with a place of the account in
 * between. It ends the other way: it opens nothing from now on; then its place is free, and so are those of the tokens that were
 * made with it, which end as well.
 */
import type { AdminTokenFacts } from '../../events/rungate/admin-token.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import { stepContext } from '../context.ts'
import type { CommandBus, CommandContext } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { adminToken, adminTokenNotFound, impliedScopes, refuseBeyond } from './admin-token.ts'
import { claimForNew, releaseName } from './naming.ts'
import { Rejected } from './rejection.ts'
import { tokenPlaces } from './token-places.ts'

const SYSTEM: Author = { id: 'system', tokenId: null }

const stepOf = (step: 'take' | 'free' | 'end', tokenId: string, context: CommandContext): CommandContext =>
  stepContext(context, deterministicId('rungate.adminToken', step, tokenId, context.commandId))

/**
 * `mayGrant`: the scopes of who asks; `tokensMax`: of an account. Rejects with name_taken, admin_token_limit_reached, and
 * token_beyond_own, also where the token that asks is revoked meanwhile.
 */
export async function issueToken(
  bus: CommandBus,
  facts: AdminTokenFacts,
  { mayGrant, tokensMax }: { mayGrant: readonly string[]; tokensMax: number },
  context: CommandContext,
) {
  refuseBeyond(facts.scopes, mayGrant)
  const { accountId, tokenId: ownerId } = facts
  await claimForNew(bus, { accountId, kind: 'adminToken', ownerId }, facts.name, facts, context)
  return finishToken(bus, facts, tokensMax, context)
}

/**
 * The token whose name is claimed: what it may grant was decided before. The name is free again where there is no place. Rejects as
 * `issueToken` does, and with admin_token_not_found where the token was revoked meanwhile.
 */
export async function finishToken(bus: CommandBus, facts: AdminTokenFacts, tokensMax: number, context: CommandContext) {
  const { accountId, tokenId, author, expiresAt } = facts
  // Whoever finishes a registration once more gives its token no place that it has lost.
  const known = await bus.current(adminToken, tokenId)
  if (known.status === 'revoked') return refuseEnded(bus, facts, context)
  try {
    const place = { accountId, tokenId, madeBy: author.tokenId, expiresAt, tokensMax, at: context.at }
    await bus.handle(tokenPlaces, accountId, { kind: 'take', ...place }, stepOf('take', tokenId, context))
  } catch (error) {
    if (error instanceof Rejected) await releaseOf(bus, facts, context)
    throw error
  }
  const command = { kind: 'issue', facts, mayGrant: impliedScopes(facts.scopes) } as const
  const handled = await bus.handle(adminToken, tokenId, command, context)
  if (handled.state.status === 'revoked') {
    // Its end came between the look and the place, and has freed what it found.
    await freePlaces(bus, { accountId, tokenId, author: SYSTEM }, context)
    return refuseEnded(bus, facts, context)
  }
  await requireMaker(bus, facts, context)
  return handled
}

/** The token's end may be that of its maker, which another process has seen first. */
async function refuseEnded(bus: CommandBus, facts: AdminTokenFacts, context: CommandContext): Promise<never> {
  await requireMaker(bus, facts, context)
  throw adminTokenNotFound()
}

/**
 * Ends the token where the one that it was made with was revoked: that one's end may have come by before this one had its place.
 * Rejects with token_beyond_own then.
 */
export async function requireMaker(
  bus: CommandBus,
  { accountId, tokenId, author }: Pick<AdminTokenFacts, 'accountId' | 'tokenId' | 'author'>,
  context: CommandContext,
): Promise<void> {
  if (author.tokenId === null) return
  const maker = await bus.current(adminToken, author.tokenId)
  if (maker.status !== 'revoked') return
  await revokeToken(bus, tokenId, { accountId, author: SYSTEM }, stepOf('end', tokenId, context))
  throw new Rejected('token_beyond_own', 'The token that asks was revoked meanwhile.')
}

const releaseOf = (bus: CommandBus, { accountId, tokenId, name }: AdminTokenFacts, context: CommandContext) =>
  releaseName(bus, { accountId, kind: 'adminToken', ownerId: tokenId }, name, context)

interface Revoker {
  accountId: string
  author: Author
}

/**
 * Revokes the token and whatever was made with it, but for a token that asks, and what that one has made. `taken`: the others'
 * ids. Rejects with admin_token_not_found.
 */
export async function revokeToken(
  bus: CommandBus,
  tokenId: string,
  { accountId, author }: Revoker,
  context: CommandContext,
) {
  const handled = await endOf(bus, tokenId, { accountId, author }, context)
  const freed = await freePlaces(bus, { accountId, tokenId, author }, context)
  const taken = freed.filter((id) => id !== tokenId)
  let { position } = handled
  for (const id of taken) {
    const ended = await endPlaceless(bus, { accountId, tokenId: id, author }, stepOf('end', id, context))
    position = ended?.position ?? position
  }
  return { ...handled, position, taken }
}

/** The places of a token whose end is in the log, and of what was made with it. Answers whose they were. */
export async function freePlaces(
  bus: CommandBus,
  { accountId, tokenId, author }: Revoker & { tokenId: string },
  context: CommandContext,
): Promise<string[]> {
  const command = { kind: 'free', accountId, tokenId, author, at: context.at } as const
  const { events } = await bus.handle(tokenPlaces, accountId, command, stepOf('free', tokenId, context))
  return events.map(({ data }) => data.tokenId)
}

/** A token without a place opens nothing. Undefined: it was never made. */
export async function endPlaceless(
  bus: CommandBus,
  { tokenId, ...revoker }: Revoker & { tokenId: string },
  context: CommandContext,
) {
  try {
    return await endOf(bus, tokenId, revoker, context)
  } catch (error) {
    if (error instanceof Rejected && error.code === 'admin_token_not_found') return undefined
    throw error
  }
}

async function endOf(bus: CommandBus, tokenId: string, { accountId, author }: Revoker, context: CommandContext) {
  const command = { kind: 'revoke', accountId, author, at: context.at } as const
  const handled = await bus.handle(adminToken, tokenId, command, context)
  if (handled.state.status === 'absent') throw adminTokenNotFound()
  await releaseOf(bus, handled.state.facts, context)
  return handled
}
