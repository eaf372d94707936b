/** An account, keys of two providers that are simulated on this machine, and an agent under a policy of its own. */
import { startLlmSimulator } from '../../../embedded/llm/server.ts'
import { accepted } from '../../accepted.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { CliError, EXIT } from '../../terminal.ts'
import { CLAUDE, GPT, keepAccount, keptAccount, type RungateStory, type Say } from './story.ts'

/** US dollars that a run may cost. */
export const LIMIT_USD = '0.05'

export async function register(story: RungateStory, say: Say): Promise<void> {
  const { visitor, admin, checks, found, run, accountFile } = story
  const health = await accepted(visitor().GET('/health'))
  checks.equal('the instance is well', `${health.status} ${health.storage}`, 'healthy connected')
  const asked = { name: `Demo ${run}`, agent_name: 'first' }
  const registered = await visitor().POST('/v1/register', { body: asked })
  found.isNew = registered.data !== undefined
  if (registered.data) {
    const { account, admin_token: adminToken } = registered.data.data
    found.account = { id: account.id, slug: account.slug, adminToken }
    keepAccount(accountFile, found.account)
    checks.equal('an account is registered', statusOf(registered), '201')
  } else {
    checks.equal('the hour’s registrations are used up', statusOf(registered), '429 rate_limited')
    const kept = keptAccount(accountFile)
    if (!kept) {
      const hint = 'RUNGATE_REGISTRATIONS_PER_HOUR_MAX says how many an address may register.'
      throw new CliError(EXIT.refused, 'no more accounts may be registered within this hour', hint)
    }
    found.account = kept
  }
  const shown = await admin.GET('/api/account')
  checks.equal('the token signs in', `${statusOf(shown)} ${shown.data?.data.slug}`, `200 ${found.account.slug}`)
  say(found.isNew ? found.account.slug : `${found.account.slug}, of an earlier run`)
}

export async function addProviderKeys({ admin, checks, found, run }: RungateStory, say: Say): Promise<void> {
  const simulator = await startLlmSimulator()
  found.simulator = simulator
  const providers = [
    { provider: 'openai', base_url: `${simulator.url}/v1` },
    { provider: 'anthropic', base_url: simulator.url },
  ]
  for (const each of providers) {
    const body = { ...each, name: `${each.provider} ${run}`, api_key: `sk-${each.provider}-${run}` }
    const added = await admin.POST('/api/provider-keys', { body })
    if (added.response.status === 400) {
      const hint = 'An instance that other machines reach needs PROVIDER_ALLOW_PRIVATE=true for that.'
      throw new CliError(EXIT.refused, 'the instance calls no provider of models on this machine', hint)
    }
    checks.equal(`a key of ${each.provider} is added`, statusOf(added), '201')
    checks.equal('its secret is not shown', String(added.data?.data.api_key).includes(run.slice(0, -4)), false)
  }
  say(simulator.url)
}

export async function setPolicy(story: RungateStory, say: Say): Promise<void> {
  const { admin, agent, checks, found, run } = story
  const policy = {
    name: `Careful ${run}`,
    budget: { hard_limit_usd: Number(LIMIT_USD) },
    ...{ allowed_models: [GPT, CLAUDE], blocked_tools: ['delete_*'], require_approval: ['pay_*'] },
    routing: { default_chain: ['openai', 'anthropic'] },
    model_mapping: { [GPT]: { anthropic: CLAUDE } },
  }
  const made = await admin.POST('/api/policies', { body: policy })
  checks.equal('a policy is made', statusOf(made), '201')
  found.policyId = made.data?.data.id ?? ''
  const keys = (await accepted(admin.GET('/api/provider-keys'))).data.filter(({ name }) => name.endsWith(run))
  const provider_keys = Object.fromEntries(keys.map(({ provider, id }) => [provider, id]))
  const body = { name: `Writer ${run}`, policy_id: found.policyId, provider_keys }
  const added = await admin.POST('/api/agents', { body })
  checks.equal('an agent has it', statusOf(added), '201')
  found.agentId = added.data?.data.id ?? ''
  found.agentKey = added.data?.data.api_key ?? ''
  const me = await agent.GET('/v1/me')
  checks.equal('the agent’s key signs in', statusOf(me), '200')
  say(`${body.name}, ${found.agentId}`)
}
