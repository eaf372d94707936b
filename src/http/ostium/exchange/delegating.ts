/**
 * Delegated mode: the trader's agent makes the call, and the sponsor pays for it. From the moment in which it is recorded the
 * action is owed, whoever dies: the submitter sends it, and this request waits for what becomes of it.
 */
import { randomUUID } from 'node:crypto'
import { randomActNonce } from '../../../adapters/chain/account.ts'
import type { Address } from '../../../adapters/chain/address.ts'
import { CallReverted } from '../../../adapters/chain/reverts.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { type ActionState, action, hasEnded } from '../../../commands/ostium/action.ts'
import { agent } from '../../../commands/ostium/agent.ts'
import { delegatedCall, type Hex } from '../../../commands/ostium/calldata.ts'
import type { ActionFacts } from '../../../events/ostium/action.ts'
import type { Channel, Operation } from '../../../events/ostium/vocabulary.ts'
import type { Market } from '../../../processes/ostium/market.ts'
import { Problem } from '../../errors.ts'
import { refuseBeyond } from '../../rate-limit.ts'
import type { AgentCaller, OstiumParts } from '../access.ts'
import { askChain, chainProblem, requireDelegation, requireFunctions, revertFacts, revertProblem } from '../chain.ts'
import type { OstiumCode } from '../errors.ts'
import { isSent } from './action-waits.ts'
import type { Exchanged } from './exchanging.ts'

interface Delegating {
  trader: Address
  principal: AgentCaller
  command: CommandContext
  channel: Channel
  operation: Operation
  prepare: () => Promise<Hex[]>
}

export async function delegate(parts: OstiumParts, market: Market, asking: Delegating): Promise<Exchanged> {
  const { bus, waits, limits, actionsOf } = parts
  const { principal, command } = asking
  const actionId = command.commandId
  const max = limits.actionsPerMinuteMax
  const refusal = refuseBeyond(max, actionsOf(principal.agent.agent_id), `An agent does ${max} actions a minute.`)
  if (refusal) throw refusal
  const wait = waits.enter(actionId)
  try {
    const known = command.fingerprint === undefined ? action.initialState : await bus.current(action, actionId)
    const facts = factsOf(market, asking, actionId)
    if (known.status === 'absent') {
      requireDelegation(market)
      const inner = await onlyCall(asking)
      requireFunctions(market, ['delegatedAction', 'delegations'])
      const [deadline] = await Promise.all([
        deadlineOf(market, command.at, limits.deadlineMs),
        preflight(parts, market, { ...asking, inner }),
      ])
      Object.assign(facts, { inner, deadline })
    }
    const context = { ...command, startsStream: known.status === 'absent' }
    const handled = await bus.handle(action, actionId, { kind: 'request', facts }, context)
    wait.note(handled.replayed ? await bus.current(action, actionId) : handled.state)
    await wait.until(isSent, limits.submitWaitMs)
    const state = await wait.until((each) => hasEnded(each) || !isSent(each), limits.receiptWaitMs)
    return { body: answerOf(state, actionId, principal), isReplayed: handled.replayed }
  } finally {
    wait.leave()
  }
}

async function onlyCall({ prepare }: Delegating): Promise<Hex> {
  const [inner, ...others] = await prepare()
  if (inner && others.length === 0) return inner
  throw new Problem<OstiumCode>('actions_several', 'With an API key a request holds one action; nothing was done.')
}

/** Without what the chain has to be asked for. */
const factsOf = (
  { chainId }: Market,
  { principal, command, operation }: Delegating,
  actionId: string,
): ActionFacts => ({
  ...{ chainId, trader: principal.trader, actionId, agentId: principal.agent.agent_id },
  ...{ smartAccount: principal.agent.smart_account, operation, inner: '0x' },
  ...{ accountNonce: String(randomActNonce()), deadline: command.at, occurredAt: command.at },
})

/** By the clock of the chain, which judges it; one that has made no block for a while is behind the house's. */
async function deadlineOf(market: Market, at: string, deadlineMs: number): Promise<string> {
  const { timestampS } = await askChain(market, (client) => client.latestBlock())
  return new Date(Math.max(timestampS * 1_000, Date.parse(at)) + deadlineMs).toISOString()
}

/**
 * Whether the chain would take it now. What it refuses is recorded, since somebody will ask why nothing happened; that the
 * delegate is another one suspends the agent.
 */
async function preflight(
  { bus }: OstiumParts,
  market: Market,
  { trader, principal, command, operation, inner }: Delegating & { inner: Hex },
): Promise<void> {
  const { agent_id: agentId, smart_account: account, trader_id: id } = principal.agent
  const { chainId, contracts, client } = market
  try {
    await client.call({ from: account as Address, to: contracts.trading, data: delegatedCall(trader, inner) })
  } catch (error) {
    if (!(error instanceof CallReverted)) throw chainProblem(error)
    const at = command.at
    const context = {
      ...command,
      fingerprint: undefined,
      commandId: deterministicId('ostium preflight', command.commandId),
    }
    if (error.revert.name === 'NotDelegate') {
      const delegatedTo = await askChain(market, ({ delegateOf }) => delegateOf(trader))
      await bus.handle(agent, id, { kind: 'suspend', agentId, delegatedTo, noticedBy: 'preflight', at }, context)
      throw new Problem('credential_invalid', 'The API key is unknown, mistyped or revoked.')
    }
    const revert = revertFacts(error.revert)
    const actionId = randomUUID()
    const facts = { chainId, trader, actionId, agentId, operation, inner, revert, occurredAt: at }
    // Of a stream of its own: what was refused may be sent again under its key.
    await bus.handle(action, actionId, { kind: 'refuse', facts }, { ...context, startsStream: true })
    throw revertProblem(revert)
  }
}

function answerOf(state: ActionState, actionId: string, { agent: own }: AgentCaller): Exchanged['body'] {
  switch (state.status) {
    case 'reverted': {
      const { txHash, revert } = state.end
      throw revertProblem(revert, { txHash })
    }
    case 'abandoned': {
      const { revert, reason } = state.end
      if (revert) throw revertProblem(revert)
      throw new Problem<OstiumCode>('action_reverts', `The action was given up: ${reason}.`, { details: { reason } })
    }
    case 'included':
      return { txHash: state.end.txHash, smartAccountAddress: own.smart_account }
    case 'broadcast':
      return { txHash: state.signed.at(-1)?.txHash ?? '', smartAccountAddress: own.smart_account }
    default: {
      const detail =
        'The action is recorded and was not sent yet; its outcome is not known. The same Idempotency-Key finds it.'
      throw new Problem<OstiumCode>('action_unknown', detail, { details: { actionId } })
    }
  }
}
