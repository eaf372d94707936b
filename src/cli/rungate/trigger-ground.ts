/** What the events of `opslog rungate trigger` stand on: an account, and agents whose calls go to a simulated provider. */
import { type Client, createClient } from '@opslog/client'
import { type LlmSimulator, startLlmSimulator } from '../../embedded/llm/server.ts'
import { accepted } from '../accepted.ts'

type Rungate = Client<'rungate'>

export const MODEL = 'gpt-5'
/** How long the read models may take to show what was just made. */
export const SHOWN = { waitMaxMs: 10_000, pollIntervalMs: 50 }

/** Of a policy, beside its name. */
export interface PolicyTerms {
  budget?: { hard_limit_usd?: number; alert_threshold_usd?: number }
  allowed_models?: string[]
  require_approval?: string[]
}

export interface TriggerAgent {
  id: string
  policyId: string
  /** With its own key. */
  client: Rungate
  /** Calls the model, with these words and a tool of this name; answers with the status. */
  call(asked?: { toolName?: string; content?: string }): Promise<number>
}

export interface Ground {
  /** Of the API. */
  url: string
  admin: Rungate
  adminToken: string
  accountId: string
  /** Stands in the names of what is made. */
  run: string
  simulator(): Promise<LlmSimulator>
  /** A key of a provider that is simulated here; made once. */
  providerKey(): Promise<string>
  policy(terms?: PolicyTerms): Promise<string>
  agent(terms?: PolicyTerms): Promise<TriggerAgent>
  /** Who shows this cookie; without one, whoever comes. */
  visitor(cookie?: string): Rungate
  close(): Promise<void>
}

export interface GroundOptions {
  url: string
  /** Undefined: an account is registered. */
  token: string | undefined
  run: string
  say(line: string): void
}

export async function createGround({ url, token: given, run, say }: GroundOptions): Promise<Ground> {
  let simulating: Promise<LlmSimulator> | undefined
  let keyId: string | undefined
  let made = 0
  const clientOf = (signedIn: { key?: string; cookie?: string } = {}): Rungate => {
    const { key, cookie } = signedIn
    const signed = { ...(key !== undefined && { key }), ...(cookie !== undefined && { headers: { cookie } }) }
    const client = createClient({ url, context: 'rungate', ...signed })
    client.use({
      onResponse({ request: { method, url: asked }, response: { status } }) {
        if (method !== 'GET') say(`${method} ${new URL(asked).pathname} → ${status}`)
      },
    })
    return client
  }
  const named = (what: string) => {
    made += 1
    return `${what} ${run} ${made}`
  }
  const token =
    given ?? (await accepted(clientOf().POST('/v1/register', { body: { name: `Trigger ${run}` } }))).data.admin_token
  const admin = clientOf({ key: token })
  const { data: account } = await accepted(admin.GET('/api/account'))

  const simulator = () => {
    simulating ??= startLlmSimulator()
    return simulating
  }

  async function providerKey(): Promise<string> {
    if (keyId !== undefined) return keyId
    const base_url = `${(await simulator()).url}/v1`
    const body = { provider: 'openai', name: named('Key'), api_key: `sk-trigger-${run}`, base_url }
    keyId = (await accepted(admin.POST('/api/provider-keys', { body }))).data.id
    return keyId
  }

  async function policy(terms: PolicyTerms = {}): Promise<string> {
    const body = { name: named('Policy'), routing: { default_chain: ['openai'] }, ...terms }
    return (await accepted(admin.POST('/api/policies', { body }))).data.id
  }

  async function agent(terms: PolicyTerms = {}): Promise<TriggerAgent> {
    const [policyId, openai] = [await policy(terms), await providerKey()]
    const body = { name: named('Agent'), policy_id: policyId, provider_keys: { openai } }
    const { id, api_key } = (await accepted(admin.POST('/api/agents', { body }))).data
    const client = clientOf({ key: api_key })
    return {
      ...{ id, policyId, client },
      async call({ toolName, content = 'To try with' } = {}) {
        const tools = toolName === undefined ? {} : { tools: [{ type: 'function', function: { name: toolName } }] }
        const asked = { model: MODEL, messages: [{ role: 'user', content }], ...tools }
        const { response } = await client.POST('/v1/chat/completions', { body: asked })
        return response.status
      },
    }
  }

  return {
    ...{ url, admin, adminToken: token, accountId: account.id, run, simulator, providerKey, policy, agent },
    visitor: (cookie) => clientOf(cookie === undefined ? {} : { cookie }),
    close: async () => (await simulating)?.close(),
  }
}
