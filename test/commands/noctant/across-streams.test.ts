/** Commands whose rules span more than one stream, over a real event store node: slugs, and accounts of users. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandBus, type CommandContext, createCommandBus } from '../../../src/commands/handle.ts'
import { deterministicId } from '../../../src/commands/identity.ts'
import {
  changeAccountStatus,
  closeAllPositions,
  openAccount,
  programAccountIdOf,
} from '../../../src/commands/noctant/account.ts'
import { createOperator, operator } from '../../../src/commands/noctant/operator.ts'
import { Rejected } from '../../../src/commands/noctant/rejection.ts'
import { globalUserIdOf, provisionUser } from '../../../src/commands/noctant/user.ts'
import { accountCurrencies } from '../../../src/engine/money.ts'
import { type EventStore, StoreUnavailable } from '../../../src/events/store.ts'
import { startTestStore, type TestStore } from '../../support/event-store.ts'
import { accountFacts, at, operatorFacts, provision } from '../../support/examples/noctant.ts'

let node: TestStore
let bus: CommandBus
const limits = { cachedAggregatesMax: 100, seenCommandsMax: 100_000, conflictRetriesMax: 3 }

beforeAll(async () => {
  node = await startTestStore()
  bus = createCommandBus(node.store, limits)
})
afterAll(() => node.close())

const context = (over: Partial<CommandContext> = {}): CommandContext => ({
  commandId: randomUUID(),
  fingerprint: undefined,
  actor: { kind: 'admin', id: 'root' },
  requestId: randomUUID(),
  correlationId: randomUUID(),
  traceparent: undefined,
  at: at(1),
  ...over,
})
const refusalOf = async (work: Promise<unknown>): Promise<unknown> => {
  const error = await work.then(
    (value) => value,
    (reason: unknown) => reason,
  )
  return error instanceof Rejected ? error.code : error
}
const tenant = (slug: string) => {
  const operatorId = deterministicId('test operator', slug)
  return { ...operatorFacts, operatorId, slug }
}

describe('creating operators', () => {
  it('gives a slug to one of many that want it at once', async () => {
    const contenders = Array.from({ length: 8 }, () => ({ ...tenant('wanted'), operatorId: randomUUID() }))
    const outcomes = await Promise.all(contenders.map((facts) => refusalOf(createOperator(bus, facts, context()))))
    expect(outcomes.filter((outcome) => outcome === 'operator_slug_taken')).toHaveLength(7)
    const states = await Promise.all(contenders.map(({ operatorId }) => bus.load(operator, operatorId)))
    expect(states.filter(({ status }) => status === 'active')).toHaveLength(1)
  })

  it('can be repeated after a crash between the claim and the creation', async () => {
    const facts = tenant('interrupted')
    const failing: EventStore = {
      ...node.store,
      append: (stream, ...rest) =>
        stream.startsWith('noctant.operator-')
          ? Promise.reject(new StoreUnavailable('gone'))
          : node.store.append(stream, ...rest),
    }
    await expect(createOperator(createCommandBus(failing, limits), facts, context())).rejects.toThrow(StoreUnavailable)
    await createOperator(bus, facts, context())
    expect((await bus.load(operator, facts.operatorId)).status).toBe('active')
    expect(await refusalOf(createOperator(bus, facts, context()))).toBe('operator_already_exists')
  })
})

describe('opening accounts', () => {
  const provisioned = async (operatorId: string, externalId: string): Promise<string> => {
    await provisionUser(bus, { ...provision, operatorId, externalId }, context())
    return globalUserIdOf(operatorId, externalId)
  }
  const facts = (operatorId: string, globalUserId: string, externalAccountId: string) => ({
    ...accountFacts,
    operatorId,
    globalUserId,
    externalAccountId,
    productId: null,
  })

  it('opens one for the operator’s own user, and answers the same when asked again', async () => {
    const { operatorId } = tenant('first')
    const asked = facts(operatorId, await provisioned(operatorId, 'trader'), 'account')
    const natural = { commandId: deterministicId('open', operatorId, 'account'), fingerprint: 'f' }
    const opened = await openAccount(bus, asked, context(natural), accountCurrencies)
    expect(opened.events.map(({ type }) => type)).toStrictEqual([
      'noctant.AccountOpened.v1',
      'noctant.EngineCommandRequested.v1',
    ])
    const again = await openAccount(bus, asked, context(natural), accountCurrencies)
    expect(again).toStrictEqual({ ...opened, replayed: true })
    const other = openAccount(
      bus,
      { ...asked, initialBalance: '5' },
      context({ ...natural, fingerprint: 'g' }),
      accountCurrencies,
    )
    expect(await refusalOf(other)).toBe('account_facts_differ')
  })

  it('refuses a user that is nobody’s, or another operator’s', async () => {
    const [mine, theirs] = [tenant('mine').operatorId, tenant('theirs').operatorId]
    const stranger = await provisioned(theirs, 'stranger')
    for (const globalUserId of [stranger, globalUserIdOf(mine, 'nobody')]) {
      expect(await refusalOf(openAccount(bus, facts(mine, globalUserId, 'a'), context(), accountCurrencies))).toBe(
        'user_not_found',
      )
    }
    expect(await node.store.readLast(`noctant.account-${programAccountIdOf(mine, 'a')}`)).toBeUndefined()
  })

  it('refuses a currency that the engine does not trade, unless the account is there already', async () => {
    const { operatorId } = tenant('currency')
    const asked = { ...facts(operatorId, await provisioned(operatorId, 'trader'), 'account'), currency: 'KRW' }
    const natural = { commandId: deterministicId('open', operatorId, 'account'), fingerprint: 'f' }
    const open = (kept: readonly string[]) => openAccount(bus, asked, context(natural), kept)
    expect(await refusalOf(open(accountCurrencies))).toBe('invalid_currency')
    expect((await open(['KRW'])).replayed).toBe(false)
    expect((await open(accountCurrencies)).replayed).toBe(true)
  })

  it('refuses a product that the operator does not have', async () => {
    const { operatorId } = tenant('products')
    const asked = facts(operatorId, await provisioned(operatorId, 'trader'), 'account')
    const opening = openAccount(bus, { ...asked, productId: randomUUID() }, context(), accountCurrencies)
    expect(await refusalOf(opening)).toBe('product_not_found')
  })

  it('keeps accounts of the same name apart by operator', async () => {
    const ids = await Promise.all(
      ['left', 'right'].map(async (slug) => {
        const { operatorId } = tenant(slug)
        const user = await provisioned(operatorId, 'trader')
        const { state } = await openAccount(bus, facts(operatorId, user, 'same name'), context(), accountCurrencies)
        return state.status === 'absent' ? undefined : state.facts.accountId
      }),
    )
    expect(new Set(ids).size).toBe(2)
    const named = { operatorId: tenant('middle').operatorId, externalAccountId: 'same name' }
    expect(await refusalOf(closeAllPositions(bus, named, null, context()))).toBe('account_not_found')
  })

  it('carries the id of the command to the engine', async () => {
    const { operatorId } = tenant('engine')
    const named = { operatorId, externalAccountId: 'account' }
    await openAccount(
      bus,
      facts(operatorId, await provisioned(operatorId, 'trader'), 'account'),
      context(),
      accountCurrencies,
    )
    const [disabling, closing] = [context(), context()]
    const change = { to: 'disabled', forceClosePositions: true, reason: 'rules' } as const
    const disabled = await changeAccountStatus(bus, named, change, disabling)
    const closed = await closeAllPositions(bus, named, 'weekend', closing)
    expect(disabled.events.at(-1)?.data).toMatchObject({ commandId: disabling.commandId, sequence: 2 })
    expect(closed.events.at(-1)?.data).toMatchObject({ commandId: closing.commandId, sequence: 3 })
  })
})
