/**
 * Finishes what takes several streams, where the process that began it has not: registrations, owners of claimed names, the
 * deletion of provider keys, tokens whose maker was revoked, members that join and those that leave, mails of logins and invitations. It waits a while, so that it does
 * not step in between. A second time does nothing.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { consequenceContext } from '../../commands/context.ts'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { Rejected } from '../../commands/rejection.ts'
import { agent } from '../../commands/rungate/agent.ts'
import { finishClaim } from '../../commands/rungate/creating.ts'
import { finishJoining } from '../../commands/rungate/joining.ts'
import { finishRemoval, type MemberBelongings } from '../../commands/rungate/leaving.ts'
import { nameNow, releaseName } from '../../commands/rungate/naming.ts'
import { finishRegistration } from '../../commands/rungate/registering.ts'
import { endPlaceless, requireMaker, revokeToken } from '../../commands/rungate/tokens.ts'
import type { Recorded } from '../../events/event.ts'
import type { AccountSlugEvent } from '../../events/rungate/account.ts'
import type { AddressEvent } from '../../events/rungate/address.ts'
import type { AdminTokenEvent, AdminTokenFacts, AdminTokenPlaceEvent } from '../../events/rungate/admin-token.ts'
import { folded, type NameClaim, type NameEvent } from '../../events/rungate/name.ts'
import type { ProviderKeyEvent } from '../../events/rungate/provider-key.ts'
import type { RosterEvent } from '../../events/rungate/roster.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { agentIdsOfMember, agentsNaming } from '../../projections/rungate/agent.ts'
import { personalRuleIdsOf } from '../../projections/rungate/alert-rule.ts'
import { personalPolicyIdsOf } from '../../projections/rungate/policy.ts'
import { sessionIdsOf } from '../../projections/rungate/session.ts'
import { personalWebhookIdsOf } from '../../projections/rungate/webhook.ts'
import type { ObjectKeys } from '../../vault/object-keys.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import { finishInvitationMail, finishLoginMail } from './mail-requests.ts'
import type { PeopleDigests } from './people-digests.ts'
import { createPeopleExpiry, type ExpiryLimits } from './people-expiry.ts'

export const COMPLETION = 'rungate-completion'
/** What the keys of provider keys are called in the vault. */
export const PROVIDER_SECRETS = 'rungate.providerKey'

const REGISTERED = 'rungate.SlugClaimed.v1'
const CLAIMED = 'rungate.NameClaimed.v1'
const DELETED = 'rungate.ProviderKeyDeleted.v1'
const BOUND = 'rungate.AddressBound.v1'
const REMOVED = 'rungate.MemberRemoved.v1'
const LOGIN = 'rungate.LoginRequested.v1'
const INVITED = 'rungate.InvitationCreated.v1'
const RESENT = 'rungate.InvitationResent.v1'
const REVOKED = 'rungate.AdminTokenRevoked.v1'
const PLACELESS = 'rungate.AdminTokenPlaceFreed.v1'
type TokenEvents = AdminTokenEvent | AdminTokenPlaceEvent
type Followed = AccountSlugEvent | NameEvent | ProviderKeyEvent | AddressEvent | RosterEvent | TokenEvents
type Of<T extends Followed['type']> = Recorded<Extract<Followed, { type: T }>>

type Deleting = { bus: CommandBus; db: ReadModels; providerSecrets: Pick<ObjectKeys, 'destroy'> }
type Options = ProcessDependencies &
  Deleting & {
    graceMs: number
    expiry: ExpiryLimits
    /** Of an account. */
    webhooksMax: number
    tokensMax: number
    /** What mails are made of. */
    people: PeopleDigests
    apiUrl: () => string
  }

/** Runs until `signal` aborts; stands by while another process leads. */
export function runCompletion(options: Options): Promise<void> {
  const handle = async (events: Delivered[]) => {
    for (const event of events) {
      await pastGrace(options, event)
      await complete(options, event)
    }
  }
  const expiry = createPeopleExpiry(options)
  const types = [REGISTERED, CLAIMED, DELETED, BOUND, REMOVED, LOGIN, INVITED, RESENT, REVOKED, PLACELESS]
  return runProcess({ name: COMPLETION, types, handle, background: (signal) => [expiry.run(signal)] }, options)
}

/** By this process's clock, for no longer than the grace itself. */
async function pastGrace({ graceMs, signal, now = () => new Date() }: Options, event: Delivered): Promise<void> {
  const ageMs = now().getTime() - event.recordedAt.getTime()
  const waitMs = Math.min(graceMs, graceMs - ageMs)
  if (waitMs > 0) await delay(waitMs, undefined, { signal })
}

/** What is left to do after one event. Repeatable. */
async function complete(options: Options, event: Delivered): Promise<void> {
  const { bus, log } = options
  if (isPoison(event)) {
    const { id, stream, type, fault } = event
    log.error({ eventId: id, stream, type, fault }, 'an event that something follows from does not decode')
    return
  }
  const context = contextOf(options, event)
  try {
    switch (event.type) {
      case REGISTERED:
        await finishRegistration(bus, (event as Of<typeof REGISTERED>).data, context)
        break
      case CLAIMED:
        await completeClaim(options, (event as Of<typeof CLAIMED>).data, context)
        break
      case BOUND:
        await finishJoining(bus, (event as Of<typeof BOUND>).data, context)
        break
      case REMOVED:
        await finishRemoval(bus, belongingsIn(options.db), (event as Of<typeof REMOVED>).data, context)
        break
      case LOGIN:
        await finishLoginMail(options, (event as Of<typeof LOGIN>).data, context)
        break
      case INVITED:
      case RESENT:
        await finishInvitationMail(options, (event as Of<typeof INVITED | typeof RESENT>).data, context)
        break
      case REVOKED: {
        const { data } = event as Of<typeof REVOKED>
        await revokeToken(bus, data.tokenId, data, context)
        break
      }
      case PLACELESS:
        await endPlaceless(bus, (event as Of<typeof PLACELESS>).data, context)
        break
      default:
        await finishDeletion(options, (event as Of<typeof DELETED>).data, context)
    }
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    log.warn({ eventId: event.id, type: event.type, err: error }, 'what an event began cannot be finished')
  }
}

/** What a member has, by the read models. */
export const belongingsIn = (db: ReadModels): MemberBelongings => ({
  agents: (accountId, memberId) => agentIdsOfMember(db, accountId, memberId),
  policies: (accountId, memberId) => personalPolicyIdsOf(db, accountId, memberId),
  webhooks: (accountId, memberId) => personalWebhookIdsOf(db, accountId, memberId),
  alertRules: (accountId, memberId) => personalRuleIdsOf(db, accountId, memberId),
  sessions: (memberId) => sessionIdsOf(db, memberId),
})

/** An owner that was not made is made; a name that its owner does not have is free again. */
async function completeClaim(
  { bus, ...limits }: Pick<Options, 'bus' | 'webhooksMax' | 'tokensMax'>,
  claim: NameClaim,
  context: CommandContext,
): Promise<void> {
  const now = await nameNow(bus, claim)
  if (now === undefined && claim.creation !== null) await finishClaim(bus, claim, limits, context)
  else if (now === undefined || now === null || folded(now) !== folded(claim.name)) {
    await releaseName(bus, claim, claim.name, context)
  } else if (claim.kind === 'adminToken') await requireMaker(bus, claim.creation as unknown as AdminTokenFacts, context)
}

/** Agents that are looked for at a time. */
const AGENTS_MAX = 100

interface Deleted {
  keyId: string
  accountId: string
  remapTo: string | null
  author: Author
}

/** Destroys the secret, and has agents name the replacement. Answers how many, and the position of the last change. */
export async function finishDeletion(
  { bus, db, providerSecrets }: Deleting,
  { keyId, accountId, remapTo, author }: Deleted,
  context: CommandContext,
): Promise<{ remapped: number; position: bigint | undefined }> {
  await providerSecrets.destroy(PROVIDER_SECRETS, keyId)
  let remapped = 0
  let position: bigint | undefined
  let after: string | undefined
  while (remapTo !== null) {
    const found = await agentsNaming(db, keyId, after, AGENTS_MAX)
    for (const { agent_id: agentId } of found) {
      const command = { kind: 'remapKey', from: keyId, to: remapTo, accountId, author, at: context.at } as const
      const handled = await bus.handle(agent, agentId, command, context)
      if (handled.events.length === 0) continue
      remapped += 1
      position = handled.position
    }
    after = found.at(-1)?.agent_id
    if (found.length < AGENTS_MAX) break
  }
  return { remapped, position }
}

const contextOf = ({ now = () => new Date() }: Options, event: Recorded) =>
  consequenceContext(COMPLETION, event, now().toISOString())
