import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandBus, type CommandContext, createCommandBus } from '../../../src/commands/handle.ts'
import { fingerprintOf } from '../../../src/commands/identity.ts'
import { openAccount, programAccountIdOf } from '../../../src/commands/noctant/account.ts'
import { resetChallenge, startChallenge } from '../../../src/commands/noctant/challenge-start.ts'
import { createProduct } from '../../../src/commands/noctant/product.ts'
import { Rejected } from '../../../src/commands/noctant/rejection.ts'
import { importTemplate, templateIdOf } from '../../../src/commands/noctant/template.ts'
import { globalUserIdOf, provisionUser } from '../../../src/commands/noctant/user.ts'
import { accountCurrencies } from '../../../src/engine/money.ts'
import { eventsOf, startTestStore, type TestStore } from '../../support/event-store.ts'
import { exampleTerms } from '../../support/examples/challenge.ts'
import { accountFacts, operatorFacts } from '../../support/examples/noctant.ts'

const { operatorId, orgId } = operatorFacts
const templateId = templateIdOf(null, 'one-step')
const globalUserId = globalUserIdOf(operatorId, 'trader-1')

let node: TestStore
let bus: CommandBus
let productId: string
beforeAll(async () => {
  node = await startTestStore()
  bus = newBus()
  await importTemplate(bus, { operatorId: null, key: 'one-step', terms: exampleTerms }, context())
  const user = { operatorId, orgId, externalId: 'trader-1', email: undefined, displayName: undefined, at: at(0) }
  await provisionUser(bus, user, context())
  const sold = {
    operatorId,
    templateId,
    displayName: 'One step',
    description: null,
    slug: 'one-step',
    price: '499',
    currency: 'USD',
    status: 'active' as const,
    publicListing: true,
    displayOrder: 1,
    kycGate: 'none' as const,
    maxConcurrentPerUser: null,
    cooldownHoursAfterBreach: null,
    metadata: null,
  }
  const made = await createProduct(bus, sold, context())
  if (made.state.status === 'absent') throw new Error('the product was not created')
  productId = made.state.facts.productId
})
afterAll(() => node.close())

const newBus = () =>
  createCommandBus(node.store, { cachedAggregatesMax: 1_000, seenCommandsMax: 100_000, conflictRetriesMax: 3 })
/** Some seconds into the story. */
const at = (seconds: number) => new Date(Date.UTC(2026, 2, 2, 9, 0, seconds)).toISOString()
const context = (when = at(0)): CommandContext => ({
  commandId: randomUUID(),
  fingerprint: fingerprintOf('test'),
  actor: { kind: 'operator', id: operatorId },
  requestId: randomUUID(),
  correlationId: randomUUID(),
  traceparent: undefined,
  at: when,
})

/** An account of the product's, and the request for a challenge on it. */
async function asked() {
  const externalAccountId = randomUUID()
  const facts = { ...accountFacts, externalAccountId, globalUserId, productId, rulesOwner: 'noctant' as const }
  await openAccount(bus, facts, context(), accountCurrencies)
  return { operatorId, globalUserId, externalAccountId, templateId }
}

/** A process that dies right after its n-th command, or right before it writes the one after that. */
function dyingAfter(n: number): CommandBus {
  const mortal = newBus()
  let handled = 0
  return {
    ...mortal,
    async handle(...args) {
      if (handled >= n) throw new Error('killed')
      const answer = await mortal.handle(...args)
      handled += 1
      return answer
    },
  }
}

const recorded = async (externalAccountId: string) =>
  (await eventsOf(node.store, `noctant.account-${programAccountIdOf(operatorId, externalAccountId)}`)).map(
    ({ type }) => type.split('.')[1],
  )
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'accepted',
    (error: unknown) => (error instanceof Rejected ? error.code : String(error)),
  )

describe('a start that was cut short', () => {
  // The key, the place, the account, the challenge.
  it.each([0, 1, 2, 3])('after %i of its four steps is completed by its repeat, once', async (steps) => {
    const request = await asked()
    const first = context()
    expect(await codeOf(startChallenge(dyingAfter(steps), request, first))).toBe('Error: killed')
    const answer = await startChallenge(newBus(), request, { ...first, at: at(30) })
    const again = await startChallenge(newBus(), request, { ...first, at: at(60) })
    expect(again).toMatchObject({ replayed: true, state: answer.state })
    expect(await recorded(request.externalAccountId)).toStrictEqual([
      'AccountOpened',
      'EngineCommandRequested',
      'AccountChallengeAttached',
    ])
  })

  it('and was never repeated gives the account to another request after a minute, and cannot come back', async () => {
    const request = await asked()
    const lost = context()
    await codeOf(startChallenge(dyingAfter(3), request, lost))
    expect(await codeOf(startChallenge(bus, request, context(at(59))))).toBe('challenge_under_way')
    const later = await startChallenge(bus, request, context(at(61)))
    expect(later.state).toMatchObject({ status: 'active' })
    expect(await codeOf(startChallenge(newBus(), request, { ...lost, at: at(62) }))).toBe('challenge_under_way')
  })
})

describe('a reset that was cut short', () => {
  // The key, the run, the account, the next run.
  it.each([0, 1, 2, 3])('after %i of its four steps is completed by its repeat, once', async (steps) => {
    const request = await asked()
    const { state } = await startChallenge(bus, request, context())
    if (state.status === 'absent') throw new Error('no challenge was started')
    const { instanceId } = state.facts
    const reset = { operatorId, instanceId, reason: null }
    const first = context(at(10))
    expect(await codeOf(resetChallenge(dyingAfter(steps), reset, first))).toBe('Error: killed')
    const answer = await resetChallenge(newBus(), reset, { ...first, at: at(30) })
    expect(answer.state).toMatchObject({ status: 'active', facts: { resetNumber: 1, parentInstanceId: instanceId } })
    expect(await resetChallenge(newBus(), reset, first)).toMatchObject({ replayed: true, state: answer.state })
    const events = await recorded(request.externalAccountId)
    expect(events.filter((type) => type === 'AccountAttemptStarted')).toHaveLength(1)
    expect(events.filter((type) => type === 'EngineCommandRequested')).toHaveLength(3)
  })
})
