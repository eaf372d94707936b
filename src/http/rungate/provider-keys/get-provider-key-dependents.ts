/** GET /api/provider-keys/{id}/dependents: what a disabled or deleted key would be missed by. */
import { z } from '@hono/zod-openapi'
import { providerKeyNotFound } from '../../../commands/rungate/provider-key.ts'
import { agentsUsing } from '../../../projections/rungate/agent.ts'
import { lastUsesOf, runsWithKey } from '../../../projections/rungate/key-use.ts'
import { countActiveKeys, findProviderKey } from '../../../projections/rungate/provider-key.ts'
import { countRunningOf } from '../../../projections/rungate/run.ts'
import { json } from '../../answers.ts'
import { nullableTimeOut } from '../../schemas.ts'
import { dashboard, read } from '../access.ts'
import { accountShown } from '../runs/up-to-date.ts'
import { dataOf, idParams } from '../schemas.ts'

const AGENTS_MAX = 1_000
const DAYS_MS = 30 * 86_400_000

const answer = z.object({
  agents: z.array(z.object({ id: z.string(), name: z.string(), is_only_key_for_provider: z.boolean() })),
  active_run_count: z.number(),
  runs_last_30_days: z.number(),
  last_used_at: nullableTimeOut,
})

export const getProviderKeyDependents = read({
  path: '/api/provider-keys/{id}/dependents',
  id: 'getProviderKeyDependents',
  tags: ['ProviderKeys'],
  summary: 'What depends on a provider key',
  description: 'Answers with the agents that name the key or could use it, and with how much it was used.',
  access: dashboard('read'),
  params: idParams,
  answer: json(dataOf(answer), 'What depends on it.'),
  refuses: ['provider_key_not_found'],
  async handle({ db, clock, principal: { accountId }, params: { id }, ...parts }) {
    await accountShown(parts, accountId)
    const key = await findProviderKey(db, accountId, id)
    if (!key) throw providerKeyNotFound()
    const { provider } = key
    const using = key.status === 'deleted' ? [] : await agentsUsing(db, accountId, id, AGENTS_MAX)
    const since = new Date(clock().getTime() - DAYS_MS).toISOString()
    const ids = using.map(({ agent_id }) => agent_id)
    const [active, running, runs, lastUses] = await Promise.all([
      countActiveKeys(db, accountId, provider),
      countRunningOf(db, accountId, ids),
      runsWithKey(db, accountId, id, since),
      lastUsesOf(db, [id]),
    ])
    const agents = using.map(({ agent_id, name, profile }) => {
      const choice = profile.providerKeys[provider]
      const own = typeof choice === 'string' ? 1 : (choice?.length ?? active)
      return { id: agent_id, name, is_only_key_for_provider: own <= 1 }
    })
    const used = { active_run_count: running, runs_last_30_days: runs, last_used_at: lastUses.get(id) ?? null }
    return { data: { agents, ...used } }
  },
})
