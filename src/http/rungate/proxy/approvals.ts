/**
 * Approvals of the tools that a request names: found by ids that follow from run, request and tool, and asked for where there is
 * none. The request that the decider reads is kept sealed, under a key of the approval's own.
 */
import type { CallScan } from '../../../adapters/llm/call-scan.ts'
import { lengthOf, splice } from '../../../adapters/llm/splice.ts'
import { commandContext } from '../../../commands/context.ts'
import type { CommandBus, CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { approval } from '../../../commands/rungate/approval.ts'
import type { ApprovalAtHand, ApprovalNeeded, CallFacts } from '../../../commands/rungate/desk/interface.ts'
import { APPROVAL_KEYS, sealContent } from '../../../processes/rungate/contents.ts'
import type { ObjectKeys } from '../../../vault/object-keys.ts'

/** Of a request that is kept for who decides. */
const REQUEST_MAX_BYTES = 262_144
/** Approvals of one request and tool that expired one after the other. */
const ORDINALS_MAX = 1_000

export interface ApprovalParts {
  bus: CommandBus
  providerSecrets: Pick<ObjectKeys, 'ensure'>
  clock: () => Date
}

interface Asked {
  facts: CallFacts
  fingerprint: string
  scan: CallScan
  command: CommandContext
}

/** What is known of the tools that miss an approval; where nothing is, it is asked for now. */
export const approvalsFor = (
  parts: ApprovalParts,
  outcome: Pick<ApprovalNeeded, 'missing' | 'run' | 'model'>,
  asked: Asked,
): Promise<ApprovalAtHand[]> => Promise.all(outcome.missing.map((tool) => approvalOf(parts, outcome, tool, asked)))

async function approvalOf(
  parts: ApprovalParts,
  { run, model }: Pick<ApprovalNeeded, 'run' | 'model'>,
  tool: string,
  asked: Asked,
): Promise<ApprovalAtHand> {
  const { bus, clock } = parts
  for (let ordinal = 0; ordinal < ORDINALS_MAX; ordinal++) {
    const approvalId = deterministicId('rungate.approval', run.runId, asked.fingerprint, tool, String(ordinal))
    const known = await bus.current(approval, approvalId)
    const found =
      known.status === 'absent' ? await request(parts, { run, model }, tool, ordinal, approvalId, asked) : known
    const { status, facts } = found
    const isOver = status === 'expired' || (status !== 'rejected' && Date.parse(facts.expiresAt) <= clock().getTime())
    if (!isOver) return { runId: run.runId, tool, approvalId, status, expiresAt: facts.expiresAt }
  }
  throw new Error(`the request has asked for ${tool} too often`)
}

async function request(
  { bus, providerSecrets, clock }: ApprovalParts,
  { run, model }: Pick<ApprovalNeeded, 'run' | 'model'>,
  toolName: string,
  ordinal: number,
  approvalId: string,
  { facts: { agent, callId: stepId, format }, fingerprint, scan, command }: Asked,
) {
  const now = clock()
  const at = now.toISOString()
  const pieces = splice(scan)
  const requestBytes = lengthOf(pieces)
  const facts = {
    ...{ accountId: agent.accountId, approvalId, agentId: agent.agentId, runId: run.runId, policyId: run.policyId },
    ...{ agentName: run.agentName, toolName, fingerprint, ordinal, stepId, format, model, requestBytes },
    sealedRequest: requestBytes > REQUEST_MAX_BYTES ? null : await sealed(providerSecrets, approvalId, pieces),
    expiresAt: new Date(now.getTime() + run.settings.approvalExpiryMs).toISOString(),
    occurredAt: at,
  }
  const context = commandContext(command.actor, deterministicId('rungate.approval.request', approvalId), at, {
    ...{ requestId: command.requestId, correlationId: command.correlationId, traceparent: command.traceparent },
  })
  const { state } = await bus.handle(approval, approvalId, { kind: 'request', facts }, context)
  if (state.status === 'absent') throw new Error('an approval that was asked for is there')
  return state
}

async function sealed(
  keys: Pick<ObjectKeys, 'ensure'>,
  approvalId: string,
  pieces: readonly Buffer[],
): Promise<string> {
  const key = await keys.ensure(APPROVAL_KEYS, approvalId)
  return sealContent(Buffer.concat(pieces).toString('utf8'), { id: approvalId, part: 'request' }, key)
}
