/** POST /auth/complete-registration: who has no account yet makes one, or claims one by its admin token, and is its owner. */
import { z } from '@hono/zod-openapi'
import { hashKey } from '../../../api-keys/key-text.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { accountIdOf, address, holderOf } from '../../../commands/rungate/address.ts'
import { impliedScopes } from '../../../commands/rungate/admin-token.ts'
import { isSameHash } from '../../../commands/rungate/digests.ts'
import { join } from '../../../commands/rungate/joining.ts'
import { generateKey, hashedForm, textIdOf } from '../../../commands/rungate/keys.ts'
import { Rejected } from '../../../commands/rungate/rejection.ts'
import { ownerIn, roster } from '../../../commands/rungate/roster.ts'
import type { AccountRow } from '../../../projections/rungate/account.ts'
import { publicAccess } from '../../access.ts'
import { json, withHeaders } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { boundedText } from '../../schemas.ts'
import { hasPassed, type RungateParts, write } from '../access.ts'
import type { RungateCode } from '../errors.ts'
import { isKnownHere, noStore } from '../keys.ts'
import { limitAttempts } from '../people/limits.ts'
import { shownName } from '../people/schemas.ts'
import { refuseForeign, requireSignedIn, sessionMissing } from '../people/signed-in.ts'

const ADMIN_TOKEN_LENGTH_MAX = 200
const text = z.string()
const answer = z
  .object({
    data: z
      .object({
        account: z.object({ id: text, status: text, email: text, name: text, slug: text, tier: text }).partial(),
        admin_token: text,
        agent: z.object({ id: text, name: text, api_key: text }).partial(),
        claimed: z.boolean(),
      })
      .partial(),
  })
  .partial()

/** Who asks, whose address belongs to no account. */
interface Person {
  addressId: string
  memberId: string
  email: string
}

type MakingParts = Pick<RungateParts, 'bus' | 'tokens' | 'agents' | 'keyKnownWaitMs'>

async function makeAccount(
  { bus, tokens, agents, keyKnownWaitMs }: MakingParts,
  { addressId, memberId, email }: Person,
  name: string,
  command: CommandContext,
) {
  const accountId = accountIdOf(memberId)
  const idOf = (what: string) => deterministicId(`rungate.${what}`, accountId)
  const [token, key] = [generateKey('adm'), generateKey('sk')]
  const registration = {
    ...{ name, policyId: idOf('policy') },
    agent: { agentId: idOf('agent'), name: '', ...key.facts },
    token: { tokenId: idOf('adminToken'), ...token.facts },
  }
  const displayName = email.slice(0, email.lastIndexOf('@'))
  const joining = { kind: 'registered' as const, registration }
  const { handled, registered } = await join(bus, { addressId, accountId, email, displayName, joining }, command)
  await isKnownHere(
    keyKnownWaitMs,
    () => tokens.find(token.facts.textId) !== undefined && agents.find(key.facts.textId) !== undefined,
  )
  const agent = { id: registration.agent.agentId, name: registered?.registration.agent.name ?? '', api_key: key.secret }
  const account = { id: accountId, status: 'active', email, name, slug: registered?.slug ?? '', tier: 'free' }
  return { handled, data: { account, admin_token: token.secret, agent } }
}

/** The account of an admin token that works and may do everything. Throws a Problem (403) for any other. */
function claimed({ tokens, clock }: Pick<RungateParts, 'tokens' | 'clock'>, adminToken: string): AccountRow {
  const form = hashedForm('adm', adminToken) ?? ''
  const { token, account } = tokens.find(textIdOf(form) ?? '') ?? {}
  const isGood = token !== undefined && isSameHash(token.key_hash, hashKey(form)) && token.status === 'active'
  if (!isGood || account?.status !== 'active' || hasPassed(token.expires_at, clock()) || !isAdmin(token)) {
    throw new Problem<RungateCode>('admin_token_refused', 'The admin token does not work, or lacks the scope admin.')
  }
  return account
}

const isAdmin = ({ scopes }: { scopes: Parameters<typeof impliedScopes>[0] }) => impliedScopes(scopes).includes('admin')

async function claimAccount(
  parts: Pick<RungateParts, 'bus' | 'tokens' | 'clock'>,
  { addressId, email }: Person,
  { name: displayName, admin_token }: { name: string; admin_token: string },
  command: CommandContext,
) {
  const { bus } = parts
  const { account_id: accountId, name, slug, tier } = claimed(parts, admin_token)
  if (ownerIn(await bus.current(roster, accountId))) throw new Rejected('account_claimed', 'The account has an owner.')
  const joining = { kind: 'claimed' as const }
  const { handled } = await join(bus, { addressId, accountId, email, displayName, joining }, command)
  return { handled, data: { account: { id: accountId, status: 'active', email, name, slug, tier }, claimed: true } }
}

export const completeRegistration = write({
  path: '/auth/complete-registration',
  id: 'completeRegistration',
  tags: ['Auth'],
  summary: 'Make or claim your account',
  description:
    'Makes an account of this name, whose keys are shown once, and you its owner. With `admin_token`: makes you the owner of the ' +
    'account of that token, and the name is yours.',
  access: publicAccess,
  body: z.object({ name: shownName, admin_token: boundedText(ADMIN_TOKEN_LENGTH_MAX).optional() }),
  answers: { 200: withHeaders(json(answer, 'The account, with its new keys shown this once.'), 'cache-control') },
  refuses: [
    ...(['session_missing', 'registration_done', 'account_claimed', 'admin_token_refused', 'origin_foreign'] as const),
    ...(['address_elsewhere', 'name_taken', 'policy_unusable', 'token_beyond_own'] as const),
  ],
  async handle({ bus, db, clock, sessions, cookies, body, caller, command, registrationsPerHourMax: max, ...parts }) {
    refuseForeign(caller, { cookies })
    const { status, session } = requireSignedIn({ sessions, clock }, caller)
    if (status !== 'pending') throw new Rejected('registration_done', 'The account is registered already.')
    const detail = `An address may register ${max} accounts per hour.`
    await limitAttempts({ db, clock }, { kind: 'completion', caller: caller.address(), max, detail })
    const { address_id: addressId, member_id: memberId, key_hash: keyHash } = session
    const state = await bus.current(address, addressId)
    if (holderOf(addressId, state) !== memberId || state.email === null) throw sessionMissing()
    const { name, admin_token } = body
    const person = { addressId, memberId, email: state.email }
    const { handled, data } =
      admin_token === undefined
        ? await makeAccount({ bus, ...parts }, person, name, command)
        : await claimAccount({ bus, clock, ...parts }, person, { name, admin_token }, command)
    await isKnownHere(parts.keyKnownWaitMs, () => sessions.find(keyHash)?.account !== undefined)
    return { status: 200, headers: noStore, body: { data }, handled }
  },
})
