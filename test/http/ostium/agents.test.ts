/** Agents: how one comes to be, what its key opens, and the ways to its end. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { traderIdOf } from '../../../src/commands/ostium/agent.ts'
import { removeDelegateCall, setDelegateCall } from '../../../src/commands/ostium/calldata.ts'
import { eventually } from '../../projections/support.ts'
import type { TestTrader } from '../../support/chain.ts'
import { eventsOf } from '../../support/event-store.ts'
import type { Answer } from './serving.ts'
import { type Hex, startTradingGround, type TradingGround } from './trading-ground.ts'

let ground: TradingGround
let trader: TestTrader
let now = 0
beforeAll(async () => {
  ground = await startTradingGround({ clock: () => new Date(Date.now() + now) })
})
afterAll(() => ground.stop())
beforeEach(async () => {
  now = 0
  trader = await ground.market.trader()
})

const ZERO = `0x${'0'.repeat(40)}`
const post = (path: string, body?: object, key?: string) =>
  ground.served.post(path, trader.address, body, key === undefined ? {} : { key })
const codeOf = ({ status, body }: Answer) => [status, body.errorCode]
const reasonOf = ({ body }: Answer) => body.details?.reason
const create = () => post('/v1/auth/create')
const verify = (key: string) => post('/v1/auth/verify-auth', undefined, key)
const send = (data: Hex, to: Hex = ground.contracts.trading) => ground.market.send(trader.key, { to, data })
const eventsOfAgent = () => eventsOf(ground.served.store, `ostium.agent-${traderIdOf(31_337, trader.address)}`)
const vaultHas = async (agentId: string) => {
  const { rows } = await sql<{ wrapped_key: Buffer | null }>`SELECT wrapped_key FROM vault.keys
    WHERE kind = 'ostium.agent' AND id = ${agentId}`.execute(ground.served.db)
  return rows[0]?.wrapped_key != null
}
const noAllowance = () =>
  send(
    `0x095ea7b3${ground.contracts.tradingStorage.slice(2).padStart(64, '0')}${'0'.repeat(64)}`,
    ground.contracts.usdc,
  )

describe('an agent is made', () => {
  it('with all that its trader has to sign, and a key that is shown once', async () => {
    const { status, body, headers } = await create()
    expect([status, headers.get('cache-control')]).toStrictEqual([200, 'no-store'])
    expect(body).toStrictEqual({
      apiKey: expect.stringMatching(/^bsvc_[0-9A-Za-z_]{20,}$/),
      smartAccountAddress: expect.stringMatching(/^0x[0-9a-fA-F]{40}$/),
      delegateApprovalTx: {
        ...{ to: ground.contracts.trading, value: '0', from: trader.address },
        data: setDelegateCall(body.smartAccountAddress),
      },
      ...{ usdcApprovalRequired: false, usdcApprovalTx: null, chainId: 31_337 },
    })
    const [event] = await eventsOfAgent()
    expect(event?.metadata.actor).toStrictEqual({ kind: 'caller', id: 'public' })
    expect(JSON.stringify(event?.data)).not.toContain(body.apiKey)
    expect(await vaultHas(String(event?.data.agentId))).toBe(true)
  })

  it('with an approval where the allowance is too small', async () => {
    await noAllowance()
    const { body } = await create()
    const { usdc, tradingStorage } = ground.contracts
    expect([body.usdcApprovalRequired, body.usdcApprovalTx]).toStrictEqual([
      true,
      {
        ...{ to: usdc, value: '0', from: trader.address },
        data: `0x095ea7b3${tradingStorage.slice(2).toLowerCase().padStart(64, '0')}${'f'.repeat(64)}`,
      },
    ])
  })

  it('once, of a hundred that are asked for at once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, create))
    const done = answers.filter(({ status }) => status === 200)
    const refused = answers.filter(({ status }) => status !== 200)
    expect([done.length, new Set(refused.map((each) => codeOf(each).join()))]).toStrictEqual([
      1,
      new Set(['400,INVALID_REQUEST']),
    ])
    expect(await eventsOfAgent()).toHaveLength(1)
    const { rows } = await sql<{ count: string }>`SELECT count(*) AS count FROM vault.keys k
      WHERE kind = 'ostium.agent' AND wrapped_key IS NOT NULL
        AND NOT EXISTS (SELECT FROM ostium_agent a WHERE a.agent_id::text = k.id)`.execute(ground.served.db)
    expect(Number(rows[0]?.count)).toBe(0)
  })

  it('at most ten times an hour', async () => {
    for (let n = 0; n < 10; n++) {
      const { body } = await create()
      expect((await post('/v1/agent/revoke', undefined, body.apiKey)).status).toBe(200)
    }
    const refused = await create()
    expect(codeOf(refused)).toStrictEqual([429, 'RATE_LIMIT_EXCEEDED'])
    now = 3_600_001
    expect((await create()).status).toBe(200)
  })

  it('in the place of one that nobody has verified within a day, whose wallet is gone then', async () => {
    const { body: first } = await create()
    const [before] = await eventsOfAgent()
    now = 86_400_001
    const { status } = await create()
    expect([status, await vaultHas(String(before?.data.agentId))]).toStrictEqual([200, false])
    expect(codeOf(await verify(first.apiKey))).toStrictEqual([401, 'UNAUTHORIZED'])
  })
})

describe('an agent’s key', () => {
  const order = { open: { a: 0, b: true, t: 'limit', p: '100', s: '5', l: '1' } }

  it('opens nothing but verification until its account is the delegate', async () => {
    const { body } = await create()
    expect(codeOf(await post('/v1/exchange/open', order, body.apiKey))).toStrictEqual([401, 'UNAUTHORIZED'])
    const early = await verify(body.apiKey)
    expect([early.status, early.body.verified]).toStrictEqual([200, false])
    await send(body.delegateApprovalTx.data)
    const { body: answer } = await verify(body.apiKey)
    expect(answer).toStrictEqual({
      verified: true,
      smartAccountAddress: body.smartAccountAddress,
      allowance: String(2n ** 256n - 1n),
    })
    expect((await verify(body.apiKey)).body.verified).toBe(true)
    const several = await post(
      '/v1/exchange/cancel',
      {
        cancels: [
          { t: 'open', o: 1 },
          { t: 'open', o: 2 },
        ],
      },
      body.apiKey,
    )
    expect(codeOf(several)).toStrictEqual([400, 'INVALID_REQUEST'])
  })

  it('opens nothing of another trader’s, and nothing after its end, with one text for all', async () => {
    const { key } = await ground.agentOf(trader)
    const stranger = await ground.market.trader()
    const texts = new Set<string>()
    const refusal = async (asked: Promise<Answer>) => {
      const answer = await asked
      texts.add(answer.body.error)
      expect(codeOf(answer)).toStrictEqual([401, 'UNAUTHORIZED'])
    }
    await refusal(ground.served.post('/v1/exchange/open', stranger.address, order, { key }))
    await refusal(post('/v1/exchange/open', order, `${key.slice(0, -1)}_`))
    await refusal(post('/v1/exchange/open', order, 'x'))
    await post('/v1/agent/revoke', undefined, key)
    await refusal(post('/v1/exchange/open', order, key))
    await refusal(verify(key))
    const { body } = await create()
    await refusal(post('/v1/exchange/open', order, key))
    expect(body.apiKey).not.toBe(key)
    expect(texts.size).toBe(1)
  })

  it('is asked for where it is needed', async () => {
    for (const path of ['/v1/auth/verify-auth', '/v1/agent/revoke', '/v1/agent/verify'])
      expect(codeOf(await post(path))).toStrictEqual([401, 'UNAUTHORIZED'])
  })

  it('is suspended with the delegation, and good again with it', async () => {
    const { key, account } = await ground.agentOf(trader)
    await send(removeDelegateCall())
    const { body } = await verify(key)
    expect(body.verified).toBe(false)
    expect(codeOf(await post('/v1/exchange/open', order, key))).toStrictEqual([401, 'UNAUTHORIZED'])
    await send(setDelegateCall(account))
    expect((await verify(key)).body.verified).toBe(true)
    expect((await eventsOfAgent()).map(({ type }) => type.split('.')[1])).toStrictEqual([
      ...['AgentWalletCreated', 'AgentVerified', 'AgentSuspended', 'AgentVerified'],
    ])
  })
})

describe('a pending agent', () => {
  it('is cancelled by a signed message, for good', async () => {
    const { body: made } = await create()
    const { body: asked } = await post('/v1/auth/cancel')
    expect(asked).toMatchObject({
      smartAccountAddress: made.smartAccountAddress,
      nonce: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    })
    const { body: shown } = await ground.served.get('/v1/agent/pending', trader.address)
    expect(shown).toMatchObject({ hasPending: true, isVerified: false, nonce: asked.nonce, expiresAt: asked.expiresAt })
    const signature = await ground.sign(trader, asked.message)
    const done = await post('/v1/auth/verify-cancel', { message: asked.message, signature })
    expect([done.status, done.body]).toStrictEqual([
      200,
      { success: true, mode: 'cancel', smartAccountAddress: made.smartAccountAddress, delegatedTo: ZERO },
    ])
    const [created, ended] = await eventsOfAgent()
    expect(ended).toMatchObject({ type: 'ostium.AgentCancelled.v1', data: { by: 'message', nonce: asked.nonce } })
    expect(ended?.metadata.actor).toStrictEqual({ kind: 'trader', id: trader.address })
    expect(await vaultHas(String(created?.data.agentId))).toBe(false)
    const again = await post('/v1/auth/verify-cancel', { message: asked.message, signature })
    expect([codeOf(again), reasonOf(again)]).toStrictEqual([[400, 'INVALID_REQUEST'], 'used'])
    expect((await ground.served.get('/v1/agent/pending', trader.address)).body).toStrictEqual({ hasPending: false })
    expect((await create()).status).toBe(200)
  })

  it('ends once, of a hundred that send the message at once', async () => {
    await create()
    const { body: asked } = await post('/v1/auth/cancel')
    const signature = await ground.sign(trader, asked.message)
    const body = { message: asked.message, signature }
    const answers = await Promise.all(Array.from({ length: 100 }, () => post('/v1/auth/verify-cancel', body)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const others = answers.filter(({ status }) => status !== 200)
    expect(new Set(others.map((each) => `${codeOf(each)} ${reasonOf(each)}`))).toStrictEqual(
      new Set(['400,INVALID_REQUEST used']),
    )
  })

  it('is cancelled by the older way too', async () => {
    await create()
    const { body: asked } = await post('/v1/auth/cancel')
    const signature = await ground.sign(trader, asked.message)
    const given = { mode: 'cancel', nonce: asked.nonce, expiresAt: asked.expiresAt, signature }
    const wrong = await post('/v1/agent/verify', { ...given, expiresAt: new Date(now).toISOString() })
    expect([codeOf(wrong), reasonOf(wrong)]).toStrictEqual([[400, 'INVALID_REQUEST'], 'unknown'])
    expect((await post('/v1/agent/verify', given)).body).toMatchObject({ success: true, mode: 'cancel' })
  })

  it('is not revoked', async () => {
    await create()
    expect(codeOf(await post('/v1/auth/revoke'))).toStrictEqual([400, 'INVALID_ACTION'])
  })
})

describe('a message', () => {
  const signed = async (message: string, by = trader) => ({ message, signature: await ground.sign(by, message) })
  const refused = async (body: object, reason: string) => {
    const answer = await post('/v1/auth/verify-cancel', body)
    expect([codeOf(answer), reasonOf(answer)]).toStrictEqual([[400, 'INVALID_REQUEST'], reason])
  }

  it('is good for nothing else: not another trader’s, not another purpose’s, not changed, not late', async () => {
    await create()
    const { body: asked } = await post('/v1/auth/cancel')
    await refused(await signed(`${asked.message} `), 'unknown')
    await refused(await signed('Cancel the unverified agent wallet'), 'unknown')
    const other = await ground.market.trader()
    await refused(await signed(asked.message, other), 'signature')
    const theirs = await ground.served.post('/v1/auth/verify-cancel', other.address, await signed(asked.message, other))
    expect(reasonOf(theirs)).toBe('unknown')
    const crossed = await post('/v1/auth/verify-revoke', await signed(asked.message))
    expect(reasonOf(crossed)).toBe('unknown')
    now = Date.parse(asked.expiresAt) - Date.now() + 1_000
    await refused(await signed(asked.message), 'expired')
    now = 0
    expect((await post('/v1/auth/verify-cancel', await signed(asked.message))).status).toBe(200)
  })

  it('counts with the signature that its trader has made, and not with a twin of it', async () => {
    await create()
    const { body: asked } = await post('/v1/auth/cancel')
    const { signature } = await signed(asked.message)
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const s = order - BigInt(`0x${signature.slice(66, 130)}`)
    const v = signature.endsWith('1b') ? '1c' : '1b'
    const twin = `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}`
    await refused({ message: asked.message, signature: twin }, 'signature')
    await refused({ message: asked.message, signature: '0x00' }, 'signature')
    expect((await post('/v1/auth/verify-cancel', { message: asked.message, signature })).status).toBe(200)
  })

  it('stays good beside a later one, and dies with its agent', async () => {
    await create()
    const { body: one } = await post('/v1/auth/cancel')
    const { body: two } = await post('/v1/auth/cancel')
    expect(one.nonce).not.toBe(two.nonce)
    expect((await post('/v1/auth/verify-cancel', await signed(one.message))).status).toBe(200)
    await create()
    expect(codeOf(await post('/v1/auth/verify-cancel', await signed(two.message)))).toStrictEqual([400, 'NOT_FOUND'])
  })

  it('is for an agent that there is', async () => {
    expect(codeOf(await post('/v1/auth/cancel'))).toStrictEqual([400, 'NOT_FOUND'])
    expect(codeOf(await post('/v1/auth/revoke'))).toStrictEqual([400, 'NOT_FOUND'])
  })

  it('is made at most sixty times an hour for a trader', async () => {
    await create()
    for (let n = 0; n < 60; n++) expect((await post('/v1/auth/cancel')).status).toBe(200)
    const refused = await post('/v1/auth/cancel')
    expect([refused.status, refused.body.details]).toMatchObject([429, { limit: 60, windowMs: 3_600_000 }])
  })
})

describe('a verified agent', () => {
  it('is revoked once the chain has neither delegation nor allowance, by the same message', async () => {
    const { key, account } = await ground.agentOf(trader)
    expect(codeOf(await post('/v1/auth/cancel'))).toStrictEqual([400, 'INVALID_ACTION'])
    const { body: asked } = await post('/v1/auth/revoke')
    expect(asked).toMatchObject({
      removeDelegateTx: { to: ground.contracts.trading, data: removeDelegateCall() },
      usdcRevokeTx: { to: ground.contracts.usdc },
    })
    const body = { message: asked.message, signature: await ground.sign(trader, asked.message) }
    const early = await post('/v1/auth/verify-revoke', body)
    expect([codeOf(early), early.body.details.delegatedTo]).toStrictEqual([[400, 'INVALID_ACTION'], account])
    await ground.market.send(trader.key, asked.removeDelegateTx)
    const half = await post('/v1/auth/verify-revoke', body)
    expect([codeOf(half), half.body.details]).toMatchObject([[400, 'INVALID_ACTION'], { delegatedTo: ZERO }])
    await ground.market.send(trader.key, asked.usdcRevokeTx)
    const done = await post('/v1/auth/verify-revoke', body)
    expect(done.body).toStrictEqual({ success: true, smartAccountAddress: account, delegatedTo: ZERO, allowance: '0' })
    expect(codeOf(await verify(key))).toStrictEqual([401, 'UNAUTHORIZED'])
    const again = await post('/v1/auth/verify-revoke', body)
    expect(reasonOf(again)).toBe('used')
    const [created] = await eventsOfAgent()
    expect(await vaultHas(String(created?.data.agentId))).toBe(false)
  })

  it('is reset with the allowance left as it is', async () => {
    const { account } = await ground.agentOf(trader)
    const { body: asked } = await post('/v1/auth/revoke')
    const signature = await ground.sign(trader, asked.message)
    const given = { mode: 'reset', nonce: asked.nonce, expiresAt: asked.expiresAt, signature }
    expect(codeOf(await post('/v1/agent/verify', given))).toStrictEqual([400, 'INVALID_ACTION'])
    await send(removeDelegateCall())
    expect((await post('/v1/agent/verify', given)).body).toStrictEqual({
      ...{ success: true, mode: 'reset', smartAccountAddress: account, delegatedTo: ZERO },
    })
    expect((await eventsOfAgent()).at(-1)).toMatchObject({ type: 'ostium.AgentRevoked.v1', data: { by: 'reset' } })
  })

  it('is looked up, and its key asks for its own end', async () => {
    const { key, account } = await ground.agentOf(trader)
    const { body: shown } = await ground.served.get('/v1/agent/public', trader.address)
    expect(shown).toStrictEqual({ agentWalletAddress: expect.stringMatching(/^0x/), smartAccountAddress: account })
    const removal = { removeDelegateTx: expect.objectContaining({ data: removeDelegateCall() }) }
    expect((await post('/v1/agent/remove')).body).toStrictEqual({ ...removal, smartAccountAddress: account })
    expect((await ground.served.get('/v1/agent/pending', trader.address)).body).toStrictEqual({ hasPending: false })
    expect((await post('/v1/agent/verify', { foo: 1 }, key)).body).toMatchObject({ verified: true })
    expect((await post('/v1/agent/revoke', undefined, key)).body).toStrictEqual(removal)
    expect((await eventsOfAgent()).at(-1)).toMatchObject({ data: { by: 'key', nonce: null, delegatedTo: null } })
    await eventually(async () =>
      expect(codeOf(await ground.served.get('/v1/agent/public', trader.address))).toStrictEqual([400, 'NOT_FOUND']),
    )
    expect(codeOf(await post('/v1/agent/remove'))).toStrictEqual([400, 'NOT_FOUND'])
    const broken = await ground.served.ask('POST', '/v1/agent/remove', { trader: trader.address, raw: '{' })
    expect(codeOf(broken)).toStrictEqual([400, 'INVALID_REQUEST'])
  })
})

it('a trader that nobody knows is answered as one without an agent', async () => {
  const stranger = `0x${randomUUID().replaceAll('-', '').padStart(40, '1')}`
  expect((await ground.served.get('/v1/agent/pending', stranger)).body).toStrictEqual({ hasPending: false })
})
