/** Two operators with users, accounts, a challenge, payouts and what else there is, on an API of their own. */
import { randomUUID } from 'node:crypto'
import { feed } from '../../../src/commands/noctant/feed.ts'
import { noctant } from '../../../src/http/noctant/api.ts'
import { type Api, systemContext } from '../../http/api.ts'
import { fundedAccount, newAccount } from '../../http/noctant/books.ts'
import type { TestOperator } from '../../http/noctant/serving.ts'
import { comesUp } from '../../support/come-up.ts'
import { bearer, keyOfElsewhere, mistyped, problemOf, startHastyApi, UUID } from '../api.ts'
import { type Belongings, type Ground, remember } from '../ground.ts'

export async function noctantGround(): Promise<Ground> {
  const api = await startHastyApi()
  const acme = await comesUp('an operator', api.addOperator())
  const other = await comesUp('another operator', api.addOperator())
  const scopeless = await api.addKey(acme.operatorId, [])
  return {
    api: noctant,
    url: api.url,
    store: api.store,
    credentials: {
      operatorBearerAuth: {
        good: bearer(acme.key),
        scopeless: bearer(scopeless.key),
        wrong: bearer(mistyped(other.key)),
      },
    },
    elsewhere: [keyOfElsewhere()],
    own: await comesUp('what an operator has', furnish(api, acme)),
    foreign: await comesUp('what another has', furnish(api, other)),
    refusalOf: problemOf,
    requestId: UUID,
    idOfNothing: () => randomUUID(),
    aliases: { user_id: 'global_user_id', external_id: 'external_user_id', id: 'command_id' },
    recordsRefusals: [],
    close: api.stop,
  }
}

/** Gives an operator one of most things that there are, and answers with their ids. */
export async function furnish(api: Api, of: TestOperator): Promise<Belongings> {
  const belongings: Belongings = new Map()
  const funded = await fundedAccount(api, of)
  const plain = await newAccount(api, of, { provider_type: 'prop_firm' })
  for (const account of [funded, plain]) {
    remember(belongings, {
      external_account_id: account.externalAccountId,
      external_user_id: account.externalAccountId,
    })
    remember(belongings, { global_user_id: account.userId, account_id: account.accountId })
  }
  remember(belongings, { instance_id: funded.instanceId, feed_id: await grantedFeed(api, of) })
  for (const path of ['/v1/accounts', `/v1/challenges/${funded.instanceId}`, '/v1/products']) {
    remember(belongings, (await api.call('GET', path, { key: of.key })).body)
  }
  const idempotency_key = randomUUID()
  const payout = { external_account_id: funded.externalAccountId, amount: '100', idempotency_key }
  for (const body of [payout, { ...payout, reason: 'test' }]) {
    const what = 'reason' in body ? 'account-corrections' : 'payout-requests'
    remember(belongings, (await api.call('POST', `/v1/users/${funded.userId}/${what}`, { key: of.key, body })).body)
  }
  return belongings
}

async function grantedFeed(api: Api, { operatorId }: TestOperator): Promise<string> {
  const feedId = randomUUID()
  const at = new Date().toISOString()
  const startsAt = '2026-01-05T00:00:00.000Z'
  const endsAt = '2026-01-06T00:00:00.000Z'
  const content = { symbol: 'EURUSD', kind: 'candles' as const, contentHash: 'fe'.repeat(32), rows: 1_440 }
  const facts = { feedId, ...content, startsAt, endsAt }
  await api.bus.handle(feed, feedId, { kind: 'import', facts, at }, systemContext())
  await api.bus.handle(feed, feedId, { kind: 'grant', operatorId, from: null, to: null, at }, systemContext())
  return feedId
}
