/** How each event of `opslog rungate trigger` comes about. */
import type { WebhookEventType } from '../../events/rungate/webhook.ts'
import { accepted } from '../accepted.ts'
import { poll } from '../demo/client.ts'
import { startListener } from '../demo/listener.ts'
import { type Ground, MODEL, type PolicyTerms, SHOWN, type TriggerAgent } from './trigger-ground.ts'
import { joinedMember, ownerOf } from './trigger-people.ts'

export interface Recipe {
  /** In a sentence, for `--list`. */
  says: string
  make(ground: Ground): Promise<void>
}

const pathOf = (id: string) => ({ params: { path: { id } } })

async function called(on: Ground, terms?: PolicyTerms, toolName?: string): Promise<TriggerAgent> {
  const agent = await on.agent(terms)
  await agent.call({ ...(toolName !== undefined && { toolName }) })
  return agent
}

/** A run that a call has begun. */
async function begun(on: Ground): Promise<{ agent: TriggerAgent; runId: string }> {
  const agent = await called(on)
  return { agent, runId: (await accepted(agent.client.GET('/v1/runs/current'))).data.id }
}

/** What an answer of 250 tokens costs of a budget that pays for 300, of which a call must be able to have 256. */
const NEARLY_ALL = '[[words 250]]'
const NEARLY_SPENT_USD = 0.003

const runs: Partial<Record<WebhookEventType, Recipe>> = {
  'run.started': { says: 'an agent calls a model', make: async (on) => void (await called(on)) },
  'run.completed': {
    says: 'an agent calls a model, and completes its run',
    async make(on) {
      const { agent } = await begun(on)
      await accepted(agent.client.POST('/v1/runs/current/complete', {}))
    },
  },
  'run.budget_exceeded': {
    says: 'a call uses up most of its budget, and the rest does not pay for the next',
    async make(on) {
      const agent = await on.agent({ budget: { hard_limit_usd: NEARLY_SPENT_USD } })
      for (let calls = 0; calls < 2; calls++) await agent.call({ content: NEARLY_ALL })
    },
  },
  'run.force_stopped': {
    says: 'an agent calls a model, and its run is stopped',
    async make(on) {
      const { runId } = await begun(on)
      await accepted(on.admin.POST('/api/runs/{id}/stop', { ...pathOf(runId) }))
    },
  },
  'run.alert_threshold': {
    says: 'a call passes the alert threshold of its policy',
    make: async (on) => void (await called(on, { budget: { alert_threshold_usd: 0.000001, hard_limit_usd: 1 } })),
  },
}

const steps: Partial<Record<WebhookEventType, Recipe>> = {
  'step.completed': { says: 'an agent calls a model', make: async (on) => void (await called(on)) },
  'step.failed': {
    says: 'an agent calls a model whose provider answers 500',
    async make(on) {
      const agent = await on.agent()
      const simulator = await on.simulator()
      simulator.order({ rules: [{ fault: { status: 500 } }] })
      await agent.call()
    },
  },
  'step.policy_blocked': {
    says: `an agent calls ${MODEL}, which its policy does not allow`,
    make: async (on) => void (await called(on, { allowed_models: ['none-*'] })),
  },
  'step.budget_blocked': {
    says: 'an agent calls a model that its budget does not pay for',
    make: async (on) => void (await called(on, { budget: { hard_limit_usd: 0.0000001 } })),
  },
  'step.approval_required': {
    says: 'an agent calls a model with a tool that wants approval',
    make: async (on) => void (await called(on, { require_approval: ['pay_*'] }, 'pay_bill')),
  },
}

async function decide(on: Ground, decision: 'approve' | 'reject'): Promise<void> {
  const agent = await called(on, { require_approval: ['pay_*'] }, 'pay_bill')
  const query = { agent_id: agent.id, status: 'pending' as const }
  // The call was answered before the read models show what it asks for.
  const { data } = await poll(
    () => accepted(on.admin.GET('/api/approval-requests', { params: { query } })),
    (answer) => answer.data.length > 0,
    SHOWN,
  )
  for (const { id } of data) {
    if (decision === 'approve') await accepted(on.admin.POST('/api/approval-requests/{id}/approve', pathOf(id)))
    else await accepted(on.admin.POST('/api/approval-requests/{id}/reject', { ...pathOf(id), body: {} }))
  }
}

const approvals: Partial<Record<WebhookEventType, Recipe>> = {
  'approval.approved': { says: 'a tool wants approval, which is given', make: (on) => decide(on, 'approve') },
  'approval.rejected': { says: 'a tool wants approval, which is refused', make: (on) => decide(on, 'reject') },
}

const settings: Partial<Record<WebhookEventType, Recipe>> = {
  'agent.created': { says: 'an agent is made', make: async (on) => void (await on.agent()) },
  'agent.updated': {
    says: 'an agent is made, and renamed',
    async make(on) {
      const { id } = await on.agent()
      await accepted(on.admin.PATCH('/api/agents/{id}', { ...pathOf(id), body: { name: `Renamed ${on.run}` } }))
    },
  },
  'agent.disabled': {
    says: 'an agent is made, and disabled',
    async make(on) {
      const { id } = await on.agent()
      await accepted(on.admin.PATCH('/api/agents/{id}', { ...pathOf(id), body: { status: 'disabled' } }))
    },
  },
  'policy.created': { says: 'a policy is made', make: async (on) => void (await on.policy()) },
  'policy.version_created': { says: 'a policy is made', make: async (on) => void (await on.policy()) },
  'policy.updated': {
    says: 'a policy is made, and changed',
    async make(on) {
      const body = { name: `Changed ${on.run}`, budget: { hard_limit_usd: 2 } }
      await accepted(on.admin.PUT('/api/policies/{id}', { ...pathOf(await on.policy()), body }))
    },
  },
  'policy.deleted': {
    says: 'a policy is made, and deleted',
    async make(on) {
      await accepted(on.admin.DELETE('/api/policies/{id}', pathOf(await on.policy())))
    },
  },
  'alert_rule.created': { says: 'an alert rule is made', make: async (on) => void (await rule(on)) },
  'alert_rule.updated': {
    says: 'an alert rule is made, and switched off',
    async make(on) {
      await accepted(on.admin.POST('/api/alert-rules/{id}/disable', pathOf(await rule(on))))
    },
  },
  'alert_rule.deleted': {
    says: 'an alert rule is made, and deleted',
    async make(on) {
      await accepted(on.admin.DELETE('/api/alert-rules/{id}', pathOf(await rule(on))))
    },
  },
  'alert.triggered': {
    says: 'an alert rule is made, and a call passes its threshold',
    async make(on) {
      await rule(on)
      await called(on)
    },
  },
}

async function rule({ admin, run }: Ground): Promise<string> {
  // Each type has members of its own, which the document leaves open and its types do not know.
  const condition_config = { threshold_usd: 0.000001, window_minutes: 60 } as never
  const body = { name: `Rule ${run}`, condition_type: 'cost_threshold' as const, condition_config }
  return (await accepted(admin.POST('/api/alert-rules', { body }))).data.id
}

const keys: Partial<Record<WebhookEventType, Recipe>> = {
  'provider_key.created': { says: 'a key of a provider is added', make: async (on) => void (await on.providerKey()) },
  'provider_key.rotated': {
    says: 'a key of a provider is added, and its secret replaced',
    async make(on) {
      const base_url = `${(await on.simulator()).url}/v1`
      const body = { api_key: `sk-other-${on.run}`, base_url }
      await accepted(on.admin.PUT('/api/provider-keys/{id}', { ...pathOf(await on.providerKey()), body }))
    },
  },
  'provider_key.disabled': { says: 'a key of a provider is added, and disabled', make: disabled },
  'provider_key.enabled': {
    says: 'a key of a provider is added, disabled, and enabled',
    async make(on) {
      await disabled(on)
      await accepted(on.admin.POST('/api/provider-keys/{id}/enable', pathOf(await on.providerKey())))
    },
  },
  'provider_key.deleted': {
    says: 'a key of a provider is added, and deleted',
    async make(on) {
      await accepted(on.admin.DELETE('/api/provider-keys/{id}', pathOf(await on.providerKey())))
    },
  },
  'admin_token.created': { says: 'an admin token is made', make: async (on) => void (await token(on)) },
  'admin_token.revoked': {
    says: 'an admin token is made, and revoked',
    async make(on) {
      await accepted(on.admin.POST('/api/admin-tokens/{id}/revoke', pathOf(await token(on))))
    },
  },
}

async function disabled(on: Ground): Promise<void> {
  await accepted(on.admin.POST('/api/provider-keys/{id}/disable', pathOf(await on.providerKey())))
}

async function token({ admin, run }: Ground): Promise<string> {
  const body = { name: `Token ${run}`, scopes: ['read' as const] }
  return (await accepted(admin.POST('/api/admin-tokens', { body }))).data.id
}

const members: Partial<Record<WebhookEventType, Recipe>> = {
  'member.role_changed': {
    says: 'somebody accepts an invitation, and is given another role',
    async make(on) {
      const { id } = await joinedMember(on)
      await accepted(on.admin.PATCH('/api/members/{id}', { ...pathOf(id), body: { role: 'viewer' } }))
    },
  },
  'member.removed': {
    says: 'somebody accepts an invitation, and is removed',
    async make(on) {
      const { id } = await joinedMember(on)
      await accepted(on.admin.DELETE('/api/members/{id}', pathOf(id)))
    },
  },
  'member.ownership_transferred': {
    says: 'somebody claims the account, which had no owner, and gives it to another member',
    async make(on) {
      const owner = await ownerOf(on)
      const { id } = await joinedMember(on)
      await accepted(owner.PATCH('/api/members/{id}/transfer-ownership', pathOf(id)))
    },
  },
}

const trials: Partial<Record<WebhookEventType, Recipe>> = {
  'webhook.test': {
    says: 'a webhook that leads to this command is made, tried and deleted; WEBHOOK_ALLOW_PRIVATE=true allows it',
    async make({ admin, run }) {
      const listener = await startListener('/tried', { id: 'x-rungate-delivery', signature: 'x-rungate-signature-256' })
      try {
        const body = { name: `Tried ${run}`, url: listener.url, events: ['run.completed' as const] }
        const { id } = (await accepted(admin.POST('/api/webhooks', { body }))).data
        await accepted(admin.POST('/api/webhooks/{id}/test', pathOf(id)))
        await poll(
          async () => listener.received.length,
          (received) => received > 0,
          SHOWN,
        )
        await accepted(admin.DELETE('/api/webhooks/{id}', pathOf(id)))
      } finally {
        listener.close()
      }
    },
  },
}

/** By the event that they make. */
export const recipes: ReadonlyMap<string, Recipe> = new Map(
  Object.entries({ ...runs, ...steps, ...approvals, ...settings, ...keys, ...members, ...trials }),
)
