/**
 * The proxy: a request of an agent on its way to a provider. Everything before the first byte that leaves is done in memory, but
 * for one append; settlement follows behind the answer.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Format } from '../../../adapters/llm/call-scan.ts'
import { inputEstimateTokens } from '../../../adapters/llm/prompt-size.ts'
import { commandContext } from '../../../commands/context.ts'
import type { CallFacts, PolicyAtHand } from '../../../commands/rungate/desk/interface.ts'
import { isUuid } from '../../../events/uuid.ts'
import type { GovernanceDirectory, GovernedAgent } from '../../../projections/rungate/governance.ts'
import type { PolicyRow } from '../../../projections/rungate/policy.ts'
import type { Counted } from '../../../runtime/counted.ts'
import { traceparentNow } from '../../../telemetry.ts'
import type { Exchange } from '../../environment.ts'
import { admit } from './admitting.ts'
import { headerText } from './answer-headers.ts'
import { CallFault, type CallRequest, ClientGone, readCall } from './call-request.ts'
import { type CallRoom, createCallRoom } from './call-room.ts'
import { ClientConnection } from './client-connection.ts'
import { Interruption } from './interruption.ts'
import type { ProxyParts } from './proxy-parts.ts'
import { agentDisabled, approvalAnswer, inFormat, refusalAnswer, type Told, unavailable } from './refusals.ts'
import { serveAdmitted } from './serve-admitted.ts'

/** Paths of calls, as a request has them. */
const PATHS = ['/rungate/v1/chat/completions', '/rungate/v1/messages']
export const isProxied = (path: string): boolean => PATHS.includes(path)

export interface ProxiedCall {
  format: Format
  /** Who signed it: with its account as it is now. */
  governed: GovernedAgent
  incoming: IncomingMessage
  outgoing: ServerResponse
  exchange: Exchange
  /** What is done with what was read, for the account that asks. */
  counted: Counted
}

export interface ModelProxy {
  /** Answers on `outgoing`. Rejects before anything was answered, with what the kernel turns into a refusal. */
  serve(call: ProxiedCall): Promise<void>
}

export function createProxy(parts: ProxyParts): ModelProxy {
  const { desks, figures, limits, log } = parts
  const room = createCallRoom(limits, figures)
  /** Calls under way, by run. */
  const underWay = new Map<string, Set<Interruption>>()
  desks.onForceStop((runId) => {
    for (const interruption of underWay.get(runId) ?? []) interruption.interrupt('force_stopped')
  })

  return {
    async serve(call) {
      const { format, incoming, outgoing, exchange, governed } = call
      const client = new ClientConnection(outgoing)
      const tell = ({ status, headers, body }: Told) => {
        client.answer(status, { ...exchange.headers, ...headers }, body)
      }
      // What is longer is refused before it is read.
      const bytesMax = Math.min(Number(incoming.headers['content-length'] ?? limits.bodyMaxBytes), limits.bodyMaxBytes)
      const refused = atTheDoor(call, room, bytesMax)
      if (refused) return tell({ ...refused, headers: { ...refused.headers, connection: 'close' } })
      const hold = room.enter(governed.agent.account_id, bytesMax)
      try {
        const request = await readCall(incoming, format, limits, call.counted)
        // As long as the call lasts: another provider may have to be sent the same.
        hold.resize(request.scan.bytes.length)
        await serveRead(parts, { ...call, request, client, governed, tell, underWay })
      } catch (error) {
        if (error instanceof ClientGone) return
        if (error instanceof CallFault) {
          const told = inFormat(format, error.status, error.message, { param: error.param })
          return tell(incoming.complete ? told : { ...told, headers: { ...told.headers, connection: 'close' } })
        }
        if (!client.hasBegun && !client.hasLeft) throw error
        log.error({ requestId: exchange.requestId, err: error }, 'a call failed after its answer had begun')
        outgoing.destroy()
      } finally {
        hold.leave()
      }
    },
  }
}

/** What is refused before the body is read, of which so many bytes may come. */
function atTheDoor({ format, governed }: ProxiedCall, room: CallRoom, bytesMax: number): Told | undefined {
  const { account, agent } = governed
  if (account.status !== 'active') {
    return refusalAnswer(format, agentDisabled('The account of this agent is suspended.'), null)
  }
  if (agent.status === 'disabled') return refusalAnswer(format, agentDisabled('This agent is disabled.'), null)
  const lack = room.lackFor(agent.account_id, bytesMax)
  return lack === undefined ? undefined : unavailable(format, `${lack}; send the call again.`)
}

interface ReadCall extends ProxiedCall {
  request: CallRequest
  client: ClientConnection
  tell: (told: Told) => void
  underWay: Map<string, Set<Interruption>>
}

async function serveRead(parts: ProxyParts, call: ReadCall): Promise<void> {
  const { format, exchange, incoming, governed, request, client, tell, underWay, counted } = call
  const { scan } = request
  const { agent, account } = governed
  const chosen = chosenPolicy(parts.directory, governed, request.policyAsked)
  // Its policy is bound before the agent is made, so it is on its way here.
  if (!chosen) return tell(unavailable(format, 'The policy of this agent is not known here yet; send the call again.'))
  Object.assign(exchange.headers, chosen.headers)
  const facts = factsOf(governed, chosen.policy, format, request, await parts.monthlySteps.left(account))
  const { accountId, agentId } = facts.agent
  const at = parts.clock().toISOString()
  const traceparent = traceparentNow() ?? traceOf(incoming.headers.traceparent)
  const { requestId } = exchange
  const command = commandContext({ kind: 'agent', id: agentId }, facts.callId, at, { requestId, traceparent })
  const interruption = new Interruption()
  const forget = client.whenLeft(() => interruption.interrupt('client_left'))
  const { profile } = agent
  const startedMs = performance.now()
  const own = { scan, profile, incoming: incoming.headers, counted }
  try {
    const admission = await admit(parts, facts, own, command)
    if (admission.kind === 'refused') return tell(refusalAnswer(format, admission, facts.callId))
    if (admission.kind === 'approval') return tell(approvalAnswer(admission))
    parts.monthlySteps.admitted(accountId)
    const { runId } = admission.run
    const calls = underWay.get(runId) ?? new Set()
    underWay.set(runId, calls.add(interruption))
    try {
      const rest = {
        command,
        startedMs,
        client,
        interruption,
        headers: exchange.headers,
        agent: { accountId, agentId },
      }
      await serveAdmitted(parts, { ...own, ...rest, admission })
    } finally {
      calls.delete(interruption)
      if (calls.size === 0) underWay.delete(runId)
    }
  } finally {
    forget()
  }
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const traceOf = (header: unknown): string | undefined =>
  typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined

function factsOf(
  { agent }: GovernedAgent,
  policy: PolicyAtHand,
  format: Format,
  { scan, run }: CallRequest,
  monthlyStepsLeft: number | null,
): CallFacts {
  const { account_id: accountId, agent_id: agentId, name, member_id: memberId } = agent
  const { prompt, cacheControl, choices } = scan
  return {
    callId: randomUUID(),
    newRunId: randomUUID(),
    policy,
    run,
    format,
    agent: { accountId, agentId, name, memberId },
    model: scan.model ?? null,
    tools: scan.tools,
    fingerprint: null,
    approvals: [],
    isStreaming: scan.isStream,
    size: { prompt, cacheControl, choices },
    estimatedInputTokens: inputEstimateTokens(prompt),
    maxOutputTokens: scan.maxOutputTokens ?? null,
    thinkingTokens: scan.thinkingTokens ?? null,
    mayCount: true,
    monthlyStepsLeft,
  }
}

interface Chosen {
  policy: PolicyAtHand
  /** What the answer says of a policy that was asked for in vain. */
  headers: Record<string, string>
}

/** The policy that the call asks for, where its agent may use it; else the agent's own. */
function chosenPolicy(
  directory: GovernanceDirectory,
  { agent }: GovernedAgent,
  asked: string | undefined,
): Chosen | undefined {
  const { account_id: accountId, policy_id: ownId, member_id, profile } = agent
  const found = asked === undefined ? undefined : policyAsked(directory, accountId, asked)
  const isSeen = found && (found.visibility === 'org' || found.member_id === member_id)
  const { allowedPolicies } = profile
  const isAllowed =
    found && (allowedPolicies === null || allowedPolicies.includes(found.policy_id) || found.policy_id === ownId)
  if (found && isSeen && isAllowed) return { policy: atHand(found), headers: {} }
  const own = directory.policy(accountId, ownId)
  if (!own) return undefined
  const reason = isSeen ? 'not_allowed' : 'not_found'
  const headers =
    asked === undefined
      ? {}
      : { 'x-rungate-policy-fallback': fallbackText(asked), 'x-rungate-policy-fallback-reason': reason }
  return { policy: atHand(own), headers: headers as Record<string, string> }
}

const fallbackText = (asked: string): string => headerText(encodeURIComponent(asked.toWellFormed()))

const policyAsked = (directory: GovernanceDirectory, accountId: string, asked: string): PolicyRow | undefined =>
  (isUuid(asked) ? directory.policy(accountId, asked) : undefined) ?? directory.policyNamed(accountId, asked)

const atHand = ({ policy_id: policyId, name, version, settings }: PolicyRow): PolicyAtHand => ({
  policyId,
  name,
  version,
  settings,
})
