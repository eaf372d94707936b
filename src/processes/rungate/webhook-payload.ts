/**
 * What rungate's webhooks tell: the thing that an event is about, as it stood right after the event and as reads show it. It is made of
 * the log, and of a run's row. It holds no secret, nothing that was asked or answered, and nothing personal: a member is its id.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Decimal } from 'decimal.js'
import { type Aggregate, fold } from '../../commands/decider.ts'
import { deterministicId } from '../../commands/identity.ts'
import { type AdminTokenState, adminToken } from '../../commands/rungate/admin-token.ts'
import { type AgentState, agent } from '../../commands/rungate/agent.ts'
import { type AlertRuleState, alertRule } from '../../commands/rungate/alert-rule.ts'
import { type ApprovalState, approval } from '../../commands/rungate/approval.ts'
import { type PolicyState, policy } from '../../commands/rungate/policy.ts'
import { type ProviderKeyState, providerKey } from '../../commands/rungate/provider-key.ts'
import { roster } from '../../commands/rungate/roster.ts'
import { type AnyEvent, categoryOf, type Recorded } from '../../events/event.ts'
import type { PublishedEvent } from '../../events/published.ts'
import type { DeskFacts } from '../../events/rungate/desk.ts'
import type { PolicyEvent } from '../../events/rungate/policy.ts'
import type { RosterEvent } from '../../events/rungate/roster.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import type { EventStore } from '../../events/store.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { projectionsCheckpoint, readCheckpoint } from '../../projections/checkpoint.ts'
import { endedColumns, type RunRow, runFiguresOf, startedRun } from '../../projections/rungate/run.ts'
import { findRun } from '../../projections/rungate/run-lists.ts'
import {
  blockedRow,
  expiredRow,
  type StepRow,
  settledRow,
  toolCallRow,
  transitionOf,
} from '../../projections/rungate/step.ts'
import { inSnakeCase, snake } from '../../runtime/letter-case.ts'
import { failoverObject, runObject, settingsObject, stepObject, type WriteDecimal } from './objects.ts'

export interface PayloadParts {
  store: Pick<EventStore, 'readStream'>
  db: ReadModels
}

/** JSON.rawJSON of ECMAScript, which the compiler's library does not know yet: a number as exact as its text. */
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): object }
const decimal = ((text: string | null) => (text === null ? null : rawJSON(new Decimal(text).toFixed()))) as WriteDecimal

/** The name of the second of two things that one event is told as. */
const VERSION = 'policy.version_created'

/** The id under which receivers know what is told; two things that one event is told as have two. */
export const publishedIdOf = ({ id }: Recorded, { type }: PublishedEvent): string =>
  type === VERSION ? deterministicId('rungate.published', id, type) : id

export interface Envelope {
  id: string
  type: string
  createdAt: string
  accountId: string
}
export const bodyOf = ({ id, type, createdAt: created_at, accountId: account_id }: Envelope, data: object): string =>
  JSON.stringify({ id, type, created_at, account_id, data })

/** The bytes that are sent of an event; undefined: what it tells of was deleted since. */
export async function payloadOf(
  parts: PayloadParts,
  event: Recorded,
  published: PublishedEvent,
): Promise<string | undefined> {
  const { type } = published
  const data = type === VERSION ? versionOf(event as Recorded<PolicyEvent>) : await dataOf(parts, event)
  if (data === undefined) return undefined
  const { accountId, occurredAt } = event.data
  const id = publishedIdOf(event, published)
  return bodyOf({ id, type, createdAt: String(occurredAt), accountId: String(accountId) }, data)
}

/** The member whose personal policy or rule an event is about; undefined: everybody in the account may know of it. */
export async function personalOwnerOf({ store }: PayloadParts, event: Recorded): Promise<string | undefined> {
  switch (categoryOf(event.stream)) {
    case policy.category: {
      const state = await stateAt(store, policy, event)
      const isPersonal = state.status !== 'absent' && state.facts.settings.visibility === 'personal'
      return isPersonal ? (state.facts.memberId ?? undefined) : undefined
    }
    case alertRule.category: {
      const state = await stateAt(store, alertRule, event)
      return state.status !== 'absent' && state.rule.scope === 'personal'
        ? (state.created.memberId ?? undefined)
        : undefined
    }
    default:
      return undefined
  }
}

/** The agent that an event involves; undefined: none. */
export async function agentOf({ store }: PayloadParts, event: Recorded): Promise<string | undefined> {
  const { agentId } = event.data
  if (typeof agentId === 'string') return agentId
  if (categoryOf(event.stream) !== alertRule.category) return undefined
  const state = await stateAt(store, alertRule, event)
  return state.status === 'absent' ? undefined : (state.rule.agentId ?? undefined)
}

/** As it stood right after the event. */
async function stateAt<S, E extends AnyEvent>(
  store: PayloadParts['store'],
  aggregate: Pick<Aggregate<S, never, E>, 'initialState' | 'evolve'>,
  { stream, revision }: Recorded,
): Promise<S> {
  const events: AsyncIterable<AnyEvent> = store.readStream(stream, { maxCount: revision + 1n })
  return fold(aggregate, (await Array.fromAsync(events)) as E[])
}

async function dataOf(parts: PayloadParts, event: Recorded): Promise<object | undefined> {
  const { store } = parts
  switch (categoryOf(event.stream)) {
    case agent.category:
      return agentObject(await stateAt(store, agent, event))
    case policy.category:
      return policyObject(await stateAt(store, policy, event))
    case providerKey.category:
      return keyObject(await stateAt(store, providerKey, event))
    case adminToken.category:
      return tokenObject(await stateAt(store, adminToken, event))
    case approval.category:
      return approvalObject(await stateAt(store, approval, event))
    case alertRule.category: {
      const rule = ruleObject(await stateAt(store, alertRule, event))
      if (event.type !== 'rungate.AlertTriggered.v1') return rule
      return { alert_rule: rule, observed: decimal(String(event.data.observed)), triggered_at: event.data.occurredAt }
    }
    case roster.category:
      return memberObject(event as unknown as RosterEvent)
    default:
      return atDesk(parts, event)
  }
}

const authorsOf = (made: Author, changed: Author) => ({
  ...{ created_by: made.id, updated_by: changed.id },
  ...{ created_by_token_id: made.tokenId, updated_by_token_id: changed.tokenId },
})

function agentObject(state: AgentState): object | undefined {
  if (state.status === 'absent') return undefined
  const { facts, updatedBy, updatedAt } = state
  const { metadata, ...profile } = facts.profile
  return {
    ...{ id: facts.agentId, org_id: facts.accountId, workspace_id: null, api_key_prefix: facts.keyPrefix },
    ...{ ...(inSnakeCase({ ...profile, providerKeys: {} }) as object), metadata },
    provider_keys: Object.fromEntries(
      Object.entries(profile.providerKeys).map(([of, keys]) => [of, inSnakeCase(keys)]),
    ),
    ...{ member_id: facts.memberId, ...authorsOf(facts.author, updatedBy) },
    ...{ created_at: facts.occurredAt, updated_at: updatedAt },
  }
}

function policyObject(state: PolicyState): object | undefined {
  if (state.status === 'absent') return undefined
  const { facts, createdBy, createdAt } = state
  return {
    ...{ id: facts.policyId, org_id: facts.accountId, workspace_id: null, name: facts.name },
    ...{ ...settingsObject(facts.settings, decimal), member_id: facts.memberId },
    ...{ ...authorsOf(createdBy, facts.author), created_at: createdAt, updated_at: facts.occurredAt },
  }
}

function versionOf({ id, type, data }: Recorded<PolicyEvent>): object | undefined {
  if (!('version' in data)) return undefined
  const changed = 'changedFields' in data ? data.changedFields : undefined
  const fields = changed ?? [type === 'rungate.PolicyCreated.v1' ? '_created' : '_deleted']
  const { policyId, accountId, name, settings, version, author, occurredAt } = data
  const snapshot = { id: policyId, org_id: accountId, name, ...settingsObject(settings, decimal) }
  return {
    ...{ id, policy_id: policyId, version_number: version, snapshot, changed_by: author.id },
    ...{ changed_fields: fields, created_at: occurredAt },
  }
}

function keyObject(state: ProviderKeyState): object | undefined {
  if (state.status === 'absent') return undefined
  const { facts, status, rotatedAt: rotated_at, updatedAt: updated_at } = state
  return {
    ...{ id: facts.keyId, org_id: facts.accountId, workspace_id: null, provider: facts.provider, name: facts.name },
    ...{ base_url: facts.baseUrl, status, created_at: facts.occurredAt, updated_at, rotated_at },
  }
}

function tokenObject(state: AdminTokenState): object | undefined {
  if (state.status === 'absent') return undefined
  const { facts, status, usedAt: last_used_at, updatedAt: updated_at } = state
  return {
    ...{ id: facts.tokenId, name: facts.name, description: facts.description, scopes: facts.scopes },
    ...{ token_prefix: facts.keyPrefix, account_id: facts.accountId, status, expires_at: facts.expiresAt },
    ...{ last_used_at, created_at: facts.occurredAt, updated_at },
  }
}

/** Without the request that waits, which the read shows. */
function approvalObject(state: ApprovalState): object | undefined {
  if (state.status === 'absent') return undefined
  const { facts, status, decidedBy, decidedAt: decided_at, reason } = state
  return {
    ...{ id: facts.approvalId, org_id: facts.accountId },
    ...snake(facts, 'runId', 'stepId', 'agentId', 'policyId', 'toolName', 'expiresAt'),
    ...{ status, decided_by: decidedBy?.id ?? null, reason, decided_at, created_at: facts.occurredAt },
  }
}

function ruleObject(state: AlertRuleState): object | undefined {
  if (state.status === 'absent') return undefined
  const { created, rule, status, triggeredAt: last_triggered_at, updatedBy, updatedAt: updated_at } = state
  const { type, ...config } = rule.condition
  const amounts = 'thresholdUsd' in config ? { threshold_usd: decimal(config.thresholdUsd) } : {}
  return {
    ...{ id: created.ruleId, org_id: created.accountId },
    ...snake(rule, 'name', 'description', 'agentId', 'cooldownSeconds', 'scope'),
    ...{ condition_type: type, condition_config: { ...(inSnakeCase(config) as object), ...amounts } },
    ...{ last_triggered_at, status, member_id: created.memberId, ...authorsOf(created.author, updatedBy) },
    ...{ created_at: created.occurredAt, updated_at },
  }
}

function memberObject({ type, data }: RosterEvent): object | undefined {
  switch (type) {
    case 'rungate.MemberRoleChanged.v1':
      return { id: data.memberId, org_id: data.accountId, role: data.role, changed_by: data.author.id }
    case 'rungate.MemberRemoved.v1':
      return { id: data.memberId, org_id: data.accountId, heir_id: data.heirId, removed_by: data.author.id }
    case 'rungate.OwnershipTransferred.v1':
      return { org_id: data.accountId, from_member_id: data.fromId, to_member_id: data.toId }
    default:
      return undefined
  }
}

async function atDesk(parts: PayloadParts, event: Recorded): Promise<object | undefined> {
  const { type, data } = event
  switch (type) {
    case 'rungate.RunStarted.v1':
      return runObject(startedRun(data as DeskFacts<typeof type>), decimal)
    case 'rungate.RunEnded.v1':
      return runAt(parts, event, endedColumns(data as DeskFacts<typeof type>))
    case 'rungate.AlertThresholdReached.v1': {
      const { run, occurredAt: alert_at } = data as DeskFacts<typeof type>
      const running = { status: 'running', ended_at: null, ended_reason: null, completion_reason: null } as const
      return runAt(parts, event, { ...runFiguresOf(run), ...running, alert_at })
    }
    case 'rungate.CallSettled.v1': {
      const settled = data as DeskFacts<typeof type>
      const [transition] = transitionOf(settled)
      return { ...stepOf(settledRow(settled)), failover_context: transition ? failoverObject(transition) : null }
    }
    case 'rungate.CallExpired.v1':
      return stepOf(expiredRow(data as DeskFacts<typeof type>))
    case 'rungate.CallBlocked.v1':
      return stepOf(blockedRow(data as DeskFacts<typeof type>))
    case 'rungate.ToolCallLogged.v1':
      return stepOf(toolCallRow(data as DeskFacts<typeof type>))
    default:
      throw new Error(`nothing is told of ${type}`)
  }
}

const stepOf = (row: StepRow) => ({ ...stepObject(row, decimal), agent_id: row.agent_id })

const SHOWN_POLL_MS = 10
const SHOWN_WAIT_MAX_MS = 5_000

/** The run with these values of the event. Undefined: it was deleted. Throws where the read models are not that far. */
async function runAt({ db }: PayloadParts, { data, position }: Recorded, values: Partial<RunRow>) {
  const deadlineMs = performance.now() + SHOWN_WAIT_MAX_MS
  for (;;) {
    const standing = (await readCheckpoint(db, projectionsCheckpoint('rungate')))?.position ?? -1n
    const row = await findRun(db, String(data.accountId), String(data.runId))
    if (row) return runObject({ ...row, ...values }, decimal)
    if (standing >= position) return undefined
    if (performance.now() > deadlineMs) throw new Error(`the read models do not show the run ${data.runId} yet`)
    await delay(SHOWN_POLL_MS)
  }
}
