/** What may be done with policies, agents and provider keys. */
import { describe, expect, it } from 'vitest'
import { agent } from '../../../src/commands/rungate/agent.ts'
import { policy } from '../../../src/commands/rungate/policy.ts'
import { changedFields, mergeSettings } from '../../../src/commands/rungate/policy-merge.ts'
import { isUsable, providerKey } from '../../../src/commands/rungate/provider-key.ts'
import { defaultSettings } from '../../../src/events/rungate/policy-settings.ts'
import { example, timeAt, uuidOf } from '../../support/examples.ts'
import { rejects, specify } from '../../support/given.ts'

const at = timeAt(900)
const other = uuidOf('another account')

describe('a policy', () => {
  const given = specify(policy)
  const created = example('rungate.PolicyCreated.v1')
  const { accountId, policyId, author, memberId: _, ...version } = created.data
  const asker = { accountId, memberId: null, at }
  const { agentId } = example('rungate.AgentBound.v1').data

  it('is changed into a numbered version, or not at all', () => {
    const settings = { ...version.settings, dryRun: true }
    const changed = {
      type: 'rungate.PolicyChanged.v1',
      data: { accountId, policyId, author, ...version, settings },
    } as const
    given([created])
      .when({ kind: 'change', settings: { dryRun: true }, author, ...asker })
      .then([{ ...changed, data: { ...changed.data, version: 2, occurredAt: at, changedFields: ['dry_run'] } }])
    given([created])
      .when({ kind: 'change', settings: { dryRun: false }, author, ...asker })
      .then([])
    given([created])
      .when({ kind: 'change', settings: {}, author, ...asker, accountId: other })
      .then(rejects('policy_not_found'))
  })

  it('is deleted when no agent is bound to it, and binds none from then on', () => {
    const bond = example('rungate.AgentBound.v1')
    const deletion = { kind: 'delete', author, ...asker } as const
    const deleted = { type: 'rungate.PolicyDeleted.v1', data: { accountId, policyId, author, ...version } } as const
    const end = { ...deleted, data: { ...deleted.data, version: 2, occurredAt: at } }
    given([created, bond]).when(deletion).then(rejects('policy_in_use'))
    given([created, bond, example('rungate.AgentUnbound.v1')])
      .when(deletion)
      .then([end])
    given([created, end])
      .when({ kind: 'bind', agentId, ...asker })
      .then(rejects('policy_unusable', '/policy_id'))
    given([created])
      .when({ kind: 'bind', agentId, ...asker, accountId: other })
      .then(rejects('policy_unusable', '/policy_id'))
    given([created, bond])
      .when({ kind: 'bind', agentId, ...asker })
      .then([])
    given([created]).when({ kind: 'unbind', agentId, at }).then([])
  })

  it('that is personal is its member’s alone', () => {
    const memberId = uuidOf('member')
    const settings = { ...version.settings, visibility: 'personal' as const }
    const personal = { ...created, data: { ...created.data, memberId, settings } }
    const change = { kind: 'change', settings: {}, author, ...asker } as const
    given([personal]).when(change).then(rejects('policy_not_found'))
    given([personal])
      .when({ ...change, memberId })
      .then([])
  })

  it('merges objects, replaces lists and a model’s targets, and clears by null', () => {
    const mapping = { a: { x: '1', y: '2' }, b: { x: '3' } }
    const before = mergeSettings(defaultSettings, { modelMapping: mapping, allowedModels: ['a'], defaultModel: 'm' })
    const after = mergeSettings(before, {
      ...{ modelMapping: { a: { z: '4' } }, allowedModels: [], defaultModel: null },
      routing: { circuitBreaker: { failureThreshold: 0 } },
    })
    expect(after.modelMapping).toStrictEqual({ a: { z: '4' }, b: { x: '3' } })
    expect(after.routing.circuitBreaker).toStrictEqual({
      ...defaultSettings.routing.circuitBreaker,
      failureThreshold: 0,
    })
    expect(changedFields(before, after).toSorted()).toStrictEqual([
      ...['allowed_models', 'default_model', 'model_mapping', 'routing'],
    ])
    expect(changedFields(before, mergeSettings(before, { allowedModels: ['a'] }))).toStrictEqual([])
  })
})

describe('an agent', () => {
  const given = specify(agent)
  const created = example('rungate.AgentCreated.v1')
  const { accountId, agentId, author, profile } = created.data
  const asked = { accountId, author, at }
  const changed = (providerKeys: typeof profile.providerKeys) => ({
    type: 'rungate.AgentChanged.v1' as const,
    data: {
      ...{ accountId, agentId, author, occurredAt: at, changedFields: ['provider_keys'] },
      profile: { ...profile, providerKeys },
    },
  })

  it('uses another key in the place of a deleted one, with its weight, and no key twice', () => {
    const [from, to] = [uuidOf('rungate provider key'), uuidOf('replacement')]
    given([created])
      .when({ kind: 'remapKey', from, to, ...asked })
      .then([changed({ openai: [{ keyId: to, weight: 3 }] })])
    const both = [
      { keyId: from, weight: 60 },
      { keyId: to, weight: 60 },
    ]
    const named = {
      ...created,
      data: { ...created.data, profile: { ...profile, providerKeys: { openai: both, x: from } } },
    }
    given([named])
      .when({ kind: 'remapKey', from, to, ...asked })
      .then([changed({ openai: [{ keyId: to, weight: 100 }], x: to })])
    given([created])
      .when({ kind: 'remapKey', from: to, to: from, ...asked })
      .then([])
  })

  it('is changed by its own account, and only where that changes something', () => {
    given([created])
      .when({ kind: 'change', profile: { name: profile.name }, ...asked })
      .then([])
    given([created])
      .when({ kind: 'change', profile: { name: 'x' }, ...asked, accountId: other })
      .then(rejects('agent_not_found'))
  })
})

describe('a provider key', () => {
  const given = specify(providerKey)
  const added = example('rungate.ProviderKeyAdded.v1')
  const { accountId, keyId, author, provider } = added.data
  const asked = { accountId, author, at }
  const of = { accountId, keyId, author, occurredAt: at }
  const deleted = { type: 'rungate.ProviderKeyDeleted.v1', data: { ...of, remapTo: null } } as const

  it('is switched off and on once each', () => {
    const disabled = { type: 'rungate.ProviderKeyDisabled.v1', data: of } as const
    given([added])
      .when({ kind: 'disable', ...asked })
      .then([disabled])
    given([added, disabled])
      .when({ kind: 'disable', ...asked })
      .then([])
    given([added, disabled])
      .when({ kind: 'enable', ...asked })
      .then([{ type: 'rungate.ProviderKeyEnabled.v1', data: of }])
  })

  it('stays with its provider, and nothing follows its deletion', () => {
    given([added])
      .when({ kind: 'change', provider: 'groq', ...asked })
      .then(rejects('provider_differs', '/provider'))
    given([added])
      .when({ kind: 'delete', remapTo: null, ...asked })
      .then([deleted])
    given([added, deleted])
      .when({ kind: 'delete', remapTo: null, ...asked })
      .then([])
    given([added, deleted])
      .when({ kind: 'enable', ...asked })
      .then(rejects('provider_key_not_found'))
    given([added])
      .when({ kind: 'disable', ...asked, accountId: other })
      .then(rejects('provider_key_not_found'))
  })

  it('leads elsewhere only with its secret, which is replaced first', () => {
    const { name, baseUrl } = added.data
    const elsewhere = 'https://elsewhere.example.com/v1'
    for (const to of [elsewhere, baseUrl === null ? 'https://api.openai.com/v1' : null]) {
      given([added])
        .when({ kind: 'change', baseUrl: to, ...asked })
        .then(rejects('secret_needed', '/api_key'))
    }
    given([added])
      .when({ kind: 'change', name, baseUrl, ...asked })
      .then([])
    const secret = { secretId: uuidOf('another secret'), sealed: 'sealed', masked: 'sk-…wxyz' }
    given([added])
      .when({ kind: 'change', baseUrl: elsewhere, secret, ...asked })
      .then([
        { type: 'rungate.ProviderKeyRotated.v1', data: { ...of, ...secret } },
        { type: 'rungate.ProviderKeyChanged.v1', data: { ...of, name, baseUrl: elsewhere } },
      ])
  })

  it('is of use to agents of its account and for its provider, until it is deleted', () => {
    const state = given([added]).state()
    expect([
      isUsable(state, accountId, provider),
      isUsable(state, other, provider),
      isUsable(state, accountId, 'x'),
    ]).toStrictEqual([true, false, false])
    expect(isUsable(given([added, deleted]).state(), accountId, provider)).toBe(false)
  })
})
