/**
 * Starting and resetting challenges, which takes several streams: the request's key, the user's places, the account and
 * the challenge itself. Each step is repeatable under ids that follow from the request, so a request that was cut short
 * is completed by its repeat, and a completed one is answered as it was.
 */
import type { ChallengeEvent, ChallengeRequestEvent } from '../../events/noctant/challenge.ts'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { type AccountState, account, programAccountIdOf } from './account.ts'
import { accountAttempt, attemptForChallenge, requireFitAccount } from './account-attempt.ts'
import { type ChallengeFacts, type ChallengeState, challenge, isLive } from './challenge.ts'
import { challengeInstanceIdOf } from './challenge-identity.ts'
import { challengeSlots, type Holder, slotsIdOf } from './challenge-slot.ts'
import { isVerified, kyc, kycIdOf, requireRemembered } from './kyc.ts'
import { type ExistingProduct, productOf } from './product.ts'
import { Rejected } from './rejection.ts'
import { template, type VisibleTemplate, visibleTemplate } from './template.ts'

export type StartedAnswer = Handled<ChallengeState, ChallengeEvent>

export interface StartChallenge {
  operatorId: string
  globalUserId: string
  externalAccountId: string
  templateId: string
}

/** The opened account, as decisions need it. */
type OpenedAccount = Exclude<AccountState, { status: 'absent' }>

type RequestCommand = Extract<ChallengeRequestEvent, { type: 'noctant.ChallengeRequested.v1' }>['data']

/** Holds a key to one request in the whole operator: the fingerprint of the command is the request. */
const challengeRequest: Aggregate<{ isKnown: boolean }, RequestCommand, ChallengeRequestEvent> = {
  category: 'noctant.challengeRequest',
  initialState: { isKnown: false },
  evolve: () => ({ isKnown: true }),
  decide: (data, { isKnown }) => (isKnown ? [] : [{ type: 'noctant.ChallengeRequested.v1', data }]),
}

/** The context of one of the request's steps. */
const stepOf = (context: CommandContext, name: string): CommandContext => ({
  ...context,
  commandId: deterministicId(name, context.commandId),
})

/** Events to look at before an account that had more counts as used. */
const UNTOUCHED_EVENTS_MAX = 50
const traces: ReadonlySet<string> = new Set<EngineEvent['type']>([
  'noctant.EngineOrderPlaced.v1',
  'noctant.EngineOrderFilled.v1',
  'noctant.EngineBalanceChanged.v1',
])

/** The engine's log of an execution account, seen from here: whether anything has happened on it. */
const engineLog: Aggregate<{ events: number; isTouched: boolean }, never, EngineEvent> = {
  category: 'noctant.engine',
  initialState: { events: 0, isTouched: false },
  evolve: (state, { type }) => {
    const events = state.events + 1
    return { events, isTouched: state.isTouched || traces.has(type) || events > UNTOUCHED_EVENTS_MAX }
  },
  decide: (command) => command,
}

/**
 * Starts a challenge. Rejects with user_not_found, user_forgotten, account_not_found, template_not_found,
 * challenge_account_unfit, challenge_under_way, kyc_required, challenge_limit_reached, challenge_cooling_down and idempotency_key_reused.
 */
export async function startChallenge(
  bus: CommandBus,
  request: StartChallenge,
  context: CommandContext,
): Promise<StartedAnswer> {
  const { operatorId, externalAccountId, templateId } = request
  const programAccountId = programAccountIdOf(operatorId, externalAccountId)
  const asked = { operatorId, action: 'start', subject: externalAccountId, occurredAt: context.at } as const
  await bus.handle(challengeRequest, context.commandId, asked, context, () =>
    requireStartable(bus, request, context.at),
  )
  const opened = await accountOf(bus, request)
  const terms = await frozenTemplate(bus, templateId)
  const { initialBalance, currency } = terms.terms
  const log = await bus.current(engineLog, opened.facts.accountId)
  const untouchedAccountId = log.isTouched ? null : opened.facts.accountId
  const attempt = attemptForChallenge(opened, { initialBalance, untouchedAccountId })
  const instanceId = challengeInstanceIdOf(attempt.accountId)
  const attaching = stepOf(context, 'attach challenge')
  const { commandId } = attaching
  const attach = { kind: 'attachChallenge', initialBalance, currency, untouchedAccountId, instanceId } as const
  const attached = await bus.handle(
    account,
    programAccountId,
    { ...attach, commandId, at: context.at },
    attaching,
    () => checkStart(bus, request, instanceId, context),
  )
  const { facts } = existing(attached.state)
  const chosen = challengeInstanceIdOf(facts.accountId)
  const first = { chainId: chosen, parentInstanceId: null, resetNumber: 0 }
  if (attached.replayed) await requireNotOvertaken(bus, request, chosen)
  const sold = facts.productId === null ? undefined : await productOf(bus, operatorId, facts.productId)
  const frozen = { ...first, ...factsOf(existing(attached.state), terms, sold) }
  return begin(bus, frozen, stepOf(context, 'start challenge'))
}

/** A request that was cut short before its challenge began cannot be completed once another has taken the account. */
async function requireNotOvertaken(bus: CommandBus, request: StartChallenge, instanceId: string): Promise<void> {
  const { challengeInstanceId } = await accountOf(bus, request)
  if (challengeInstanceId === instanceId) return
  if ((await bus.current(challenge, instanceId)).status !== 'absent') return
  throw new Rejected('challenge_under_way', 'Another challenge has been started on the account meanwhile.')
}

/** What an account must be and have before the first of the streams is written to. */
async function requireStartable(bus: CommandBus, request: StartChallenge, at: string): Promise<void> {
  await requireRemembered(bus, request.operatorId, request.globalUserId)
  const opened = await accountOf(bus, request)
  const { terms } = await visibleTemplate(bus, request.operatorId, request.templateId)
  requireFitAccount(opened, terms.currency)
  await requireNoneUnderWay(bus, opened, at)
  await requireSold(bus, opened, request, at)
}

/** What has to hold at the moment the account takes the challenge, the user's place among it. */
async function checkStart(
  bus: CommandBus,
  request: StartChallenge,
  instanceId: string,
  context: CommandContext,
): Promise<void> {
  const opened = await accountOf(bus, request)
  await requireNoneUnderWay(bus, opened, context.at)
  const sold = await requireSold(bus, opened, request, context.at)
  if (!sold) return
  const { operatorId, productId, maxConcurrentPerUser, cooldownHoursAfterBreach } = sold.facts
  const { globalUserId } = request
  const id = slotsIdOf(operatorId, globalUserId, productId)
  const slots = await bus.current(challengeSlots, id)
  const holders = await Promise.all([...slots.held].map(([holder, since]) => holderOf(bus, holder, since, context.at)))
  const limits = { maxConcurrentPerUser, cooldownHoursAfterBreach }
  const reserve = { operatorId, globalUserId, productId, instanceId, ...limits, holders, at: context.at }
  const step = { ...stepOf(context, 'reserve place'), fingerprint: undefined }
  await bus.handle(challengeSlots, id, reserve, step)
}

/** A place that was reserved for a challenge which never came is given up after this time. */
const RESERVATION_MAX_MS = 60_000

/** A run that was reset keeps its place for the run after it. */
async function holderOf(bus: CommandBus, instanceId: string, since: string, at: string): Promise<Holder> {
  let state = await bus.current(challenge, instanceId)
  let awaitedSince = since
  while (state.status === 'reset' && state.nextInstanceId !== null) {
    awaitedSince = state.endedAt ?? since
    state = await bus.current(challenge, state.nextInstanceId)
  }
  if (state.status === 'absent') {
    return { instanceId, isOver: Date.parse(at) - Date.parse(awaitedSince) > RESERVATION_MAX_MS, breachedAt: null }
  }
  return { instanceId, isOver: !isLive(state) || state.status === 'passed', breachedAt: state.breachedAt }
}

async function accountOf(bus: CommandBus, request: StartChallenge): Promise<OpenedAccount> {
  const { operatorId, externalAccountId, globalUserId } = request
  const state = await bus.current(account, programAccountIdOf(operatorId, externalAccountId))
  if (state.status === 'absent' || state.facts.globalUserId !== globalUserId) {
    throw new Rejected('account_not_found', 'The user has no account of this external id.')
  }
  return state
}

async function requireNoneUnderWay(bus: CommandBus, opened: OpenedAccount, at: string): Promise<void> {
  const { challengeInstanceId, updatedAt } = opened
  if (challengeInstanceId === null) return
  const state = await bus.current(challenge, challengeInstanceId)
  const neverCame = state.status === 'absent' && Date.parse(at) - Date.parse(updatedAt) > RESERVATION_MAX_MS
  if (!neverCame && (state.status === 'absent' || isLive(state))) {
    throw new Rejected('challenge_under_way', 'A challenge is under way on this account.')
  }
}

/** The product of the account, where it has one: its template, and its gate. */
async function requireSold(
  bus: CommandBus,
  { facts }: OpenedAccount,
  { operatorId, globalUserId, templateId }: StartChallenge,
  at: string,
): Promise<ExistingProduct | undefined> {
  if (facts.productId === null) return undefined
  const sold = await productOf(bus, operatorId, facts.productId)
  if (sold.facts.templateId !== templateId) {
    throw new Rejected('challenge_account_unfit', 'The account was opened for a product of another template.')
  }
  const { kycGate } = sold.facts
  if (kycGate !== 'challenge_start' && kycGate !== 'both') return sold
  if (isVerified(await bus.current(kyc, kycIdOf(operatorId, globalUserId)), at)) return sold
  throw new Rejected('kyc_required', 'The product asks for a verified user before a challenge starts.')
}

async function frozenTemplate(bus: CommandBus, templateId: string): Promise<VisibleTemplate> {
  const state = await bus.current(template, templateId)
  if (state.status === 'absent') throw new Rejected('template_not_found', 'There is no such template.', '/template_id')
  return state
}

function existing(state: AccountState): OpenedAccount {
  if (state.status === 'absent') throw new Error('a challenge is attached to an account that was never opened')
  return state
}

type OwnFacts = Omit<ChallengeFacts, 'chainId' | 'parentInstanceId' | 'resetNumber'>

function factsOf({ facts }: OpenedAccount, from: VisibleTemplate, sold: ExistingProduct | undefined): OwnFacts {
  const { currency, executionProfileKey, executionMode, marketMode, feedSource } = facts
  return {
    programAccountId: facts.programAccountId,
    accountId: facts.accountId,
    attemptId: facts.attemptId,
    operatorId: facts.operatorId,
    orgId: facts.orgId,
    globalUserId: facts.globalUserId,
    accountNumber: facts.accountNumber,
    externalAccountId: facts.externalAccountId,
    templateId: from.templateId,
    templateVersion: from.version,
    productId: facts.productId,
    kycGate: sold?.facts.kycGate ?? 'none',
    purchasePrice: sold?.facts.price ?? '0.00',
    terms: from.terms,
    execution: { currency, executionProfileKey, executionMode, marketMode, feedSource },
  }
}

const begin = (bus: CommandBus, facts: ChallengeFacts, context: CommandContext): Promise<StartedAnswer> =>
  bus.handle(challenge, challengeInstanceIdOf(facts.accountId), { kind: 'start', facts, at: context.at }, context)

/**
 * Resets a challenge: ends this run and starts the next in the chain, on a fresh attempt of the account and with the terms
 * of the first. Rejects with challenge_not_found, challenge_state_conflict, challenge_reset_refused and
 * idempotency_key_reused.
 */
export async function resetChallenge(
  bus: CommandBus,
  { operatorId, instanceId, reason }: { operatorId: string; instanceId: string; reason: string | null },
  context: CommandContext,
): Promise<StartedAnswer> {
  const { at } = context
  const asked = { operatorId, action: 'reset', subject: instanceId, occurredAt: at } as const
  const prior = await bus.current(challenge, instanceId)
  if (prior.status === 'absent' || prior.facts.operatorId !== operatorId) {
    throw new Rejected('challenge_not_found', 'The operator has no such challenge.')
  }
  const { programAccountId } = prior.facts
  const opened = existing(await bus.current(account, programAccountId))
  const attemptNumber = opened.attemptNumber + 1
  const nextInstanceId = challengeInstanceIdOf(accountAttempt(programAccountId, attemptNumber).accountId)
  const reset = { kind: 'reset', nextInstanceId, nextAttemptNumber: attemptNumber, reason, at } as const
  await bus.handle(challengeRequest, context.commandId, asked, context, async () => {
    challenge.decide(reset, prior)
    requireFitAccount(opened, prior.facts.terms.currency)
  })
  const ended = await bus.handle(challenge, instanceId, reset, stepOf(context, 'end run'))
  const turn = ended.events.find((event) => event.type === 'noctant.ChallengeReset.v1')
  if (!turn) throw new Error(`challenge ${instanceId} was reset without a record of it`)
  const { nextAttemptNumber, resetNumber } = turn.data
  const { facts } = prior
  const attempting = stepOf(context, 'start attempt')
  const attempt = { attemptNumber: nextAttemptNumber, initialBalance: facts.terms.initialBalance, at } as const
  const begun = await bus.handle(
    account,
    programAccountId,
    { kind: 'startAttempt', ...attempt, reason: 'the challenge was reset', commandId: attempting.commandId },
    attempting,
  )
  const { accountId, attemptId } = existing(begun.state).facts
  const next = { ...facts, accountId, attemptId, parentInstanceId: instanceId, resetNumber }
  return begin(bus, next, stepOf(context, 'start challenge'))
}
