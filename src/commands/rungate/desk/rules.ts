/** What a policy allows a call apart from money: its model, its tools, and those that somebody has to approve. */
import type { PolicySettings } from '../../../events/rungate/policy-settings.ts'
import { matcherOf } from '../globs.ts'
import type { ApprovalAtHand, CallFacts, Refusal } from './interface.ts'
import { refusal } from './resolve.ts'
import type { Run } from './state.ts'

export interface Model {
  model: string
  routedFrom: string | null
}

/** The model that the call is for. An override replaces what was asked for, and no rule looks at it. */
export function modelFor(settings: PolicySettings, asked: string | null): Model | Refusal {
  const model = asked ?? settings.defaultModel
  if (settings.modelOverride !== null) {
    return { model: settings.modelOverride, routedFrom: asked !== settings.modelOverride ? asked : null }
  }
  if (model === null) {
    return refusal({
      status: 400,
      code: 'model_missing',
      message: 'The request names no model, and the policy has none.',
    })
  }
  const blocked = matcherOf(settings.blockedModels)(model)
  if (blocked !== undefined) return notAllowed(settings, model, blocked)
  const isAllowed = settings.allowedModels.length === 0 || matcherOf(settings.allowedModels)(model) !== undefined
  return isAllowed ? { model, routedFrom: null } : notAllowed(settings, model, null)
}

const notAllowed = ({ allowedModels }: PolicySettings, model: string, rule: string | null) =>
  refusal({
    ...{ status: 403, code: 'model_not_allowed', message: `The policy does not allow the model ${model}.` },
    details: { asked: model, allowed: allowedModels, rule: rule ?? 'allowed_models', reason: 'policy' },
  })

/** A refusal where one of the tools may not be used. */
export function refusedTools({ blockedTools, allowedTools }: PolicySettings, tools: readonly string[]) {
  const refused = tools.filter(
    (tool) =>
      matcherOf(blockedTools)(tool) !== undefined ||
      (allowedTools.length > 0 && matcherOf(allowedTools)(tool) === undefined),
  )
  if (refused.length === 0) return undefined
  return refusal({
    ...{ status: 403, code: 'tool_blocked', message: `The policy does not allow: ${refused.join(', ')}.` },
    details: { tools: refused },
  })
}

export type Approvals =
  | { kind: 'none' }
  | Refusal
  | { kind: 'missing'; missing: string[] }
  | { kind: 'pending'; pending: ApprovalAtHand[] }

/** What the run's policy wants approved, against what is known of it. */
export function approvalsFor(run: Run, facts: CallFacts, atMs: number): Approvals {
  const { requireApproval } = run.start.settings
  if (requireApproval.length === 0) return { kind: 'none' }
  const wanted = facts.tools.filter((tool) => matcherOf(requireApproval)(tool) !== undefined)
  if (wanted.length === 0) return { kind: 'none' }
  const isPast = ({ expiresAt, status }: ApprovalAtHand) =>
    status === 'expired' || (status !== 'rejected' && Date.parse(expiresAt) <= atMs)
  const known = facts.approvals.filter((each) => each.runId === run.start.runId && !isPast(each))
  const found = wanted.map((tool) => ({ tool, approval: known.findLast((each) => each.tool === tool) }))
  const rejected = found.find(({ approval }) => approval?.status === 'rejected')
  if (rejected?.approval) {
    return refusal({
      ...{ status: 403, code: 'tool_blocked', message: `The use of ${rejected.tool} was rejected.` },
      details: { tools: [rejected.tool], approval: rejected.approval.approvalId },
    })
  }
  const missing = found.filter(({ approval }) => !approval).map(({ tool }) => tool)
  if (missing.length > 0) return { kind: 'missing', missing }
  const pending = found.flatMap(({ approval }) => (approval?.status === 'pending' ? [approval] : []))
  return pending.length > 0 ? { kind: 'pending', pending } : { kind: 'none' }
}
