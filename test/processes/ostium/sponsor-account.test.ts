/** Two processes that both believe that they are the submitter: the sponsor's stream takes one of them at each nonce. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newAgentKey } from '../../../src/adapters/chain/account.ts'
import { createCommandBus } from '../../../src/commands/handle.ts'
import { sponsorIdOf } from '../../../src/commands/ostium/sponsor.ts'
import { contextsOf } from '../../../src/processes/ostium/causes.ts'
import { createSponsorAccount } from '../../../src/processes/ostium/sponsor-account.ts'
import { startTestMarket, type TestMarket } from '../../support/chain.ts'
import { eventsOf, startTestStore } from '../../support/event-store.ts'

let market: TestMarket
let log: Awaited<ReturnType<typeof startTestStore>>
beforeAll(async () => {
  ;[market, log] = await Promise.all([startTestMarket(), startTestStore()])
})
afterAll(async () => {
  await Promise.all([market.stop(), log.close()])
})

it('row 5: of two submitters at work at once one has each nonce, and the loser has nothing to sign with', async () => {
  const { privateKey: key, address } = newAgentKey()
  const { client, contracts } = market
  const chain = { chainId: 31_337, client, contracts } as Parameters<typeof createSponsorAccount>[0]['market']
  const accountOf = () => {
    const bus = createCommandBus(log.store, {
      ...{ cachedAggregatesMax: 100, seenCommandsMax: 1_000, conflictRetriesMax: 3 },
    })
    const contextOf = contextsOf('test', log.store)
    return createSponsorAccount({
      ...{ bus, market: chain, key, contextOf, now: () => new Date(), fees: () => client.fees() },
    })
  }
  const accounts = [accountOf(), accountOf()]
  const trader = newAgentKey().address
  const taken: number[] = []
  const refused: unknown[] = []
  for (let round = 0; round < 10; round++) {
    const asked = accounts.map((account) => account.nonceFor({ actionId: randomUUID(), trader }))
    for (const each of await Promise.allSettled(asked)) {
      if (each.status === 'fulfilled') taken.push(each.value)
      else refused.push(each.reason)
    }
  }
  expect(taken.toSorted((a, b) => a - b)).toStrictEqual(Array.from(taken, (_, nonce) => nonce))
  expect(taken.length).toBeGreaterThanOrEqual(10)
  expect(refused.length).toBeGreaterThan(0)
  for (const reason of refused) expect(reason).toMatchObject({ code: 'nonce_taken' })
  const events = await eventsOf(log.store, `ostium.sponsor-${sponsorIdOf(31_337, address)}`)
  expect(events.map(({ data }) => data.nonce)).toStrictEqual(taken.toSorted((a, b) => a - b))
})
