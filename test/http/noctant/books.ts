/**
 * An operator's users and accounts over the API, with this test in the engine's place: it opens accounts, moves balances
 * and answers commands by writing what an engine would have reported.
 */
import { randomUUID } from 'node:crypto'
import { importTemplate } from '../../../src/commands/noctant/template.ts'
import type { AnyEvent, Recorded } from '../../../src/events/event.ts'
import type { TemplateTerms } from '../../../src/events/noctant/template.ts'
import { eventsOf } from '../../support/event-store.ts'
import { exampleTerms } from '../../support/examples/challenge.ts'
import { type DataOf, example } from '../../support/examples.ts'
import type { Api } from '../api.ts'
import { accountRequest, type TestOperator } from './serving.ts'

export interface Account {
  externalAccountId: string
  userId: string
  programAccountId: string
  /** The execution account. */
  accountId: string
}

/** The engine's log of one account, as this test writes it. */
export interface EngineLog {
  write(...events: { type: `noctant.Engine${string}`; data: object }[]): Promise<Recorded[]>
  /** A balance after a change, as the engine states both. */
  balance(
    balance: string,
    of?: Partial<DataOf<'noctant.EngineBalanceChanged.v1'>>,
    equity?: string,
  ): Promise<Recorded[]>
  decided(commandId: string, of?: Partial<DataOf<'noctant.EngineCommandDecided.v1'>>): Promise<Recorded[]>
}

export const newAccount = async (
  api: Api,
  operator: TestOperator,
  overrides: Record<string, unknown> = {},
): Promise<Account> => {
  const name = randomUUID()
  const { body: user } = await api.call('POST', '/v1/users', { key: operator.key, body: { external_id: name } })
  const request = accountRequest(name, { external_user_id: name, rules_owner: 'noctant', ...overrides })
  const { body } = await api.call('POST', '/v1/accounts', { key: operator.key, body: request })
  return {
    externalAccountId: name,
    userId: user.global_user_id,
    programAccountId: body.account.program_account_id,
    accountId: body.account.account_id,
  }
}

export function engineLog(api: Api, accountId: string): EngineLog {
  const stream = `noctant.engine-${accountId}`
  const write: EngineLog['write'] = async (...events) => {
    const known = await eventsOf(api.store, stream)
    const last = known.at(-1)
    const actor = { kind: 'engine', id: 'test' } as const
    const cause = { $correlationId: 'test', $causationId: 'test', actor, commandId: 'test' }
    const occurredAt = new Date().toISOString()
    const batch = events.map((event, index) => ({
      id: randomUUID(),
      event: {
        type: event.type,
        data: { ...event.data, accountId, sequence: known.length + 1 + index, occurredAt },
      } as AnyEvent,
      cause,
    }))
    await api.store.append(stream, last?.revision, last?.metadata.hash ?? '', batch)
    return (await eventsOf(api.store, stream)).slice(known.length)
  }
  return {
    write,
    balance: (balance, of = {}, equity = balance) =>
      write(
        example('noctant.EngineBalanceChanged.v1', { balance, ...of }),
        example('noctant.EngineAccountMarked.v1', { balance, equity, positions: [] }),
      ),
    decided: (commandId, of = {}) =>
      write(example('noctant.EngineCommandDecided.v1', { commandId, outcome: 'accepted', ...of })),
  }
}

/** Funded from the start, so that payouts may be asked for at once. */
export const fundedTerms = (policy: Partial<NonNullable<TemplateTerms['payoutPolicy']>> = {}): TemplateTerms => {
  const { payoutPolicy, steps, ...terms } = exampleTerms
  const funded = steps.find(({ kind }) => kind === 'funded')
  if (!payoutPolicy || !funded) throw new Error('the example has a funded step and pays out')
  return { ...terms, steps: [{ ...funded, sequence: 1 }], payoutPolicy: { ...payoutPolicy, ...policy } }
}

const systemContext = () => ({
  commandId: randomUUID(),
  fingerprint: undefined,
  actor: { kind: 'admin', id: 'test' } as const,
  requestId: randomUUID(),
  correlationId: randomUUID(),
  traceparent: undefined,
  at: new Date().toISOString(),
})

/** A product of this template, with this gate. */
async function newProduct(api: Api, operator: TestOperator, templateId: string, kycGate: string): Promise<string> {
  const body = {
    idempotency_key: randomUUID(),
    template_id: templateId,
    display_name: 'Funded',
    slug: randomUUID(),
    price: '99.00',
    currency: 'USD',
    status: 'active',
    public_listing: false,
    display_order: 1,
    kyc_gate: kycGate,
    max_concurrent_per_user: 1,
    cooldown_hours_after_breach: 0,
    metadata: {},
  }
  return String((await api.call('POST', '/v1/products', { key: operator.key, body })).body.product_id)
}

/** The command that asked the engine to open this execution account. */
async function openingOf(api: Api, programAccountId: string, accountId: string): Promise<string> {
  const events = await eventsOf(api.store, `noctant.account-${programAccountId}`)
  const asked = events.findLast(({ data }) => {
    return data.accountId === accountId && (data.order as { kind?: string } | undefined)?.kind === 'open_account'
  })
  if (!asked) throw new Error('the engine was asked to open the account')
  return String(asked.data.commandId)
}

/** An account with a challenge on these terms and, in the engine's log, this balance. */
export async function fundedAccount(
  api: Api,
  operator: TestOperator,
  options: { terms?: TemplateTerms; balance?: string; kycGate?: 'none' | 'payout_only' } = {},
): Promise<Account & { log: EngineLog; instanceId: string }> {
  const { terms = fundedTerms(), balance = '101000.00', kycGate } = options
  const facts = { operatorId: operator.operatorId, key: randomUUID(), terms }
  const { state: imported } = await importTemplate(api.bus, facts, systemContext())
  if (imported.status === 'absent') throw new Error('the template was imported')
  const { templateId } = imported
  const product = kycGate ? { product_id: await newProduct(api, operator, templateId, kycGate) } : {}
  const opened = await newAccount(api, operator, product)
  const started = await api.call('POST', '/v1/challenges', {
    key: operator.key,
    body: {
      idempotency_key: randomUUID(),
      user_id: opened.userId,
      external_account_id: opened.externalAccountId,
      template_id: templateId,
    },
  })
  if (started.status !== 201) throw new Error(JSON.stringify(started.body))
  const { instance_id: instanceId, account_id: accountId } = started.body
  const log = engineLog(api, accountId)
  const commandId = await openingOf(api, opened.programAccountId, accountId)
  await log.write(example('noctant.EngineAccountOpened.v1', { commandId, balance: '100000.00' }))
  if (balance !== '100000.00') await log.balance(balance)
  return { ...opened, accountId, log, instanceId }
}
