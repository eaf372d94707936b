/**
 * What calls of agents are governed by, in the memory of each API process: agents by their keys, accounts, policies as they are
 * now, and provider keys. It follows the log by itself, so a revocation takes effect with its event, on every process.
 */
import { createKeyDirectory, type FindRow, type KeyDirectory } from '../../api-keys/key-directory.ts'
import { folded } from '../../events/rungate/name.ts'
import type { RowOf, Table, Values } from '../projection.ts'
import { type AccountRow, accountProjection, accounts } from './account.ts'
import { type AgentRow, agentProjection, agents } from './agent.ts'
import { type PolicyRow, policies, policyProjection } from './policy.ts'
import { type ProviderKeyRow, providerKeyProjection, providerKeys } from './provider-key.ts'

export type GovernedAgent = { account: AccountRow; agent: AgentRow }

export interface GovernanceDirectory extends KeyDirectory<GovernedAgent> {
  agent(accountId: string, agentId: string): AgentRow | undefined
  /** A living policy of the account, whoever may see it; undefined: there is none of this id. */
  policy(accountId: string, policyId: string): PolicyRow | undefined
  /** By a name that is compared without case. */
  policyNamed(accountId: string, name: string): PolicyRow | undefined
  providerKey(accountId: string, keyId: string): ProviderKeyRow | undefined
  /** All of the account that are not deleted, the oldest first. */
  providerKeysOf(accountId: string): readonly ProviderKeyRow[]
  /** Every key that has a secret, of all accounts, at most `limit`. */
  secretsToOpen(limit: number): ProviderKeyRow[]
}

export function createGovernanceDirectory(): GovernanceDirectory {
  const keysBy = new Map<string, Set<string>>()
  const policiesBy = new Map<string, Set<string>>()
  const note = (of: Map<string, Set<string>>, accountId: unknown, id: unknown) => {
    const ids = of.get(String(accountId)) ?? new Set()
    of.set(String(accountId), ids.add(String(id)))
  }
  const directory = createKeyDirectory<typeof agents, GovernedAgent>({
    context: 'rungate',
    streams: {
      ...{ 'rungate.account': accounts, 'rungate.agent': agents },
      ...{ 'rungate.policy': policies, 'rungate.providerKey': providerKeys },
    },
    projections: [accountProjection, agentProjection, policyProjection, providerKeyProjection],
    tables: [accounts, agents, policies, providerKeys],
    keys: { table: agents, textId: 'text_id' },
    entryOf(found, row) {
      const account = row(accounts, found.account_id)
      return account && { account, agent: found }
    },
    // An agent that is disabled may be enabled again; a key that was replaced is not held.
    hasEnded: () => false,
    onRow(table: Table, row: Values) {
      if (table === providerKeys) note(keysBy, row.account_id, row.key_id)
      if (table === policies) note(policiesBy, row.account_id, row.policy_id)
    },
  })
  const { row } = directory
  const of = <Row extends { account_id: string }>(found: Row | undefined, accountId: string): Row | undefined =>
    found?.account_id === accountId ? found : undefined

  return {
    ...directory,
    agent: (accountId, agentId) => of(row(agents, agentId), accountId),
    policy: (accountId, policyId) => of(row(policies, policyId), accountId),
    policyNamed(accountId, name) {
      const wanted = folded(name)
      for (const found of rowsOf(row, policies, policiesBy.get(accountId))) {
        if (folded(found.name) === wanted) return found
      }
      return undefined
    },
    providerKey: (accountId, keyId) => of(row(providerKeys, keyId), accountId),
    providerKeysOf: (accountId) =>
      rowsOf(row, providerKeys, keysBy.get(accountId)).filter(({ status }) => status !== 'deleted'),
    secretsToOpen(limit) {
      const found: ProviderKeyRow[] = []
      for (const ids of keysBy.values()) {
        for (const key of rowsOf(row, providerKeys, ids)) {
          if (found.length >= limit) return found
          if (key.sealed !== null) found.push(key)
        }
      }
      return found
    },
  }
}

function rowsOf<T extends Table>(row: FindRow, table: T, ids: ReadonlySet<string> = new Set()): RowOf<T>[] {
  const found: RowOf<T>[] = []
  for (const id of ids) {
    const one = row(table, id)
    if (one) found.push(one)
  }
  return found
}
