import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCommandBus } from '../../../src/commands/handle.ts'
import { account as accountAggregate, programAccountIdOf } from '../../../src/commands/noctant/account.ts'
import { type ChallengeCommand, challenge } from '../../../src/commands/noctant/challenge.ts'
import { importTemplate, template, templateIdOf } from '../../../src/commands/noctant/template.ts'
import type { EngineEvent } from '../../../src/events/noctant/engine.ts'
import type { TemplateTerms } from '../../../src/events/noctant/template.ts'
import { viewOf as accountView } from '../../../src/http/noctant/accounts/account-view.ts'
import { viewOf as challengeViewOf } from '../../../src/http/noctant/challenges/challenge-view.ts'
import { createChallengeRules } from '../../../src/processes/noctant/challenge-rules.ts'
import { eventsOf } from '../../support/event-store.ts'
import { exampleTerms } from '../../support/examples/challenge.ts'
import { engineLog } from '../../support/examples/engine-log.ts'
import { recordingLog } from '../../support/streams.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { accountRequest, type TestOperator } from './serving.ts'

let api: Api
let acme: TestOperator
let other: TestOperator
let rules: ReturnType<typeof createChallengeRules>
let userId: string
const preset = templateIdOf(null, 'one-step')
const [evaluation, funded] = exampleTerms.steps

beforeAll(async () => {
  api = await startApi()
  acme = await api.addOperator()
  other = await api.addOperator()
  await importing(null, 'one-step')
  for (const { key } of [acme, other]) await api.call('POST', '/v1/users', { key, body: { external_id: 'trader-1' } })
  userId = (await api.call('GET', '/v1/users?external_id=trader-1', { key: acme.key })).body.global_user_id
  // A process of its own, with a cache of its own.
  const bus = createCommandBus(api.store, {
    cachedAggregatesMax: 1_000,
    seenCommandsMax: 100_000,
    conflictRetriesMax: 3,
  })
  const limits = {
    recordIntervalMs: 10_000,
    sweepIntervalMs: 1_000,
    graceMs: 0,
    sweepBatchMax: 100,
    concurrencyMax: 4,
    accountsCacheMax: 100,
  }
  rules = createChallengeRules({ bus, store: api.store, db: api.db, log: recordingLog(), limits })
})
afterAll(() => api.stop())

const importing = (operatorId: string | null, key: string, terms: Partial<TemplateTerms> = {}) =>
  importTemplate(api.bus, { operatorId, key, terms: { ...exampleTerms, ...terms } }, systemContext())
const own = (key: string) => templateIdOf(acme.operatorId, key)

let accounts = 0
async function openAccount(overrides: object = {}, id = `account-${++accounts}`): Promise<string> {
  const body = accountRequest(id, { rules_owner: 'noctant', ...overrides })
  const answer = await api.call('POST', '/v1/accounts', { key: acme.key, body })
  expect(answer.status).toBe(201)
  return id
}
async function openForProduct(product: object, count = 1, external_user_id = 'trader-1'): Promise<string[]> {
  const body = {
    idempotency_key: randomUUID(),
    template_id: preset,
    display_name: 'One step',
    slug: `slug-${randomUUID()}`,
    price: '499',
    currency: 'USD',
    status: 'active',
    public_listing: true,
    display_order: 1,
    kyc_gate: 'none',
    metadata: null,
    ...product,
  }
  const made = await api.call('POST', '/v1/products', { key: acme.key, body })
  const ids: string[] = []
  const { product_id } = made.body
  for (let n = 0; n < count; n++) ids.push(await openAccount({ product_id, external_user_id }))
  return ids
}

const request = (external_account_id: string, overrides: object = {}) => ({
  idempotency_key: randomUUID(),
  user_id: userId,
  external_account_id,
  template_id: preset,
  ...overrides,
})
const start = (body: object, key = acme.key) => api.call('POST', '/v1/challenges', { key, body })
const read = (id: string, key = acme.key) => api.call('GET', `/v1/challenges/${id}`, { key })
const reset = (id: string, body: object = {}, key = acme.key) =>
  api.call('POST', `/v1/challenges/${id}/reset`, { key, body: { idempotency_key: randomUUID(), ...body } })
const account = async (id: string) =>
  (await api.call('GET', `/v1/accounts/by-external-id?external_account_id=${id}`, { key: acme.key })).body.account
const refused = ({ status, body }: { status: number; body: { code: string } }) => [status, body.code]

const cause = {
  $correlationId: 'test',
  $causationId: 'test',
  actor: { kind: 'engine', id: 'test' } as const,
  commandId: 'test',
}
/** The engine tells this of the account, the rules take it in, and so do the read models. */
async function tell(accountId: string, ...events: EngineEvent[]): Promise<void> {
  const stream = `noctant.engine-${accountId}`
  const last = (await eventsOf(api.store, stream)).at(-1)
  const batch = events.map((event) => ({ id: randomUUID(), event, cause }))
  await api.store.append(stream, last?.revision, last?.metadata.hash ?? '', batch)
  const from = last === undefined ? 0n : last.revision + 1n
  await rules.handle(await Array.fromAsync(api.store.readStream(stream, { from })))
  await api.waiter.waitFor((await api.store.head())!.position, 5_000)
}
/** Hands the rules what they have recorded of this challenge, as their subscription does. */
async function consequences(instanceId: string): Promise<void> {
  await rules.handle(await eventsOf(api.store, `noctant.challenge-${instanceId}`))
  await api.waiter.waitFor((await api.store.head())!.position, 5_000)
}
const engineOrders = async (id: string) =>
  (await eventsOf(api.store, `noctant.account-${programAccountIdOf(acme.operatorId, id)}`))
    .filter(({ type }) => type === 'noctant.EngineCommandRequested.v1')
    .map(({ data }) => (data.order as { kind: string }).kind)
const decide = async (instanceId: string, command: ChallengeCommand) => {
  const { position } = await api.bus.handle(challenge, instanceId, command, systemContext())
  await api.waiter.waitFor(position!, 5_000)
}
const now = () => new Date().toISOString()

describe('createChallenge', () => {
  it('answers 201 with the run, which can be read at once, and which the account names', async () => {
    const id = await openAccount()
    const answer = await start(request(id))
    expect(answer.status).toBe(201)
    const before = await account(id)
    expect(answer.body).toMatchObject({
      status: 'active',
      run_label: 'R0',
      account_run_label: `${before.account_number} / R0`,
      reset_number: 0,
      chain_id: answer.body.instance_id,
      parent_instance_id: null,
      user_id: userId,
      account_id: before.account_id,
      template_version: 1,
      step_sequence: 1,
      initial_balance: '100000.00',
      activation_status: 'not_required',
      purchase_price_snapshot: '0.00',
      total_pnl: '0.00',
      trading_days: 0,
      rules_snapshot: {
        initial_balance: '100000.00',
        steps: [{ profit_target: { kind: 'percent', value: '10' } }, {}],
      },
      execution_snapshot: { currency: 'USD', execution_profile_key: 'standard' },
    })
    expect(before.challenge_instance_id).toBe(answer.body.instance_id)
    expect((await read(answer.body.instance_id)).body).toStrictEqual(answer.body)
  })

  it('keeps its rules when the template moves on', async () => {
    await importing(acme.operatorId, 'moving')
    const id = await openAccount()
    const { body } = await start(request(id, { template_id: own('moving') }))
    await importing(acme.operatorId, 'moving', { name: 'Other' })
    expect((await read(body.instance_id)).body).toMatchObject({
      template_version: 1,
      rules_snapshot: { name: 'One step' },
    })
    const later = await start(request(await openAccount(), { template_id: own('moving') }))
    expect(later.body).toMatchObject({ template_version: 2, rules_snapshot: { name: 'Other' } })
  })

  it('answers a repeat with the run as it began, whatever has become of it and its template', async () => {
    await importing(acme.operatorId, 'passing')
    const id = await openAccount()
    const body = request(id, { template_id: own('passing') })
    const first = await start(body)
    const { account_id } = first.body
    await tell(account_id, engineLog(account_id).marked(now(), '90000.00'))
    await consequences(first.body.instance_id)
    const context = systemContext()
    await api.bus.handle(template, own('passing'), { kind: 'archive', reason: null, at: context.at }, context)
    for (const call of [api.call, api.callSecond]) {
      const again = await call('POST', '/v1/challenges', { key: acme.key, body })
      expect([again.status, again.body]).toStrictEqual([201, first.body])
      expect(again.headers.get('idempotency-replayed')).toBe('true')
    }
    expect((await read(first.body.instance_id)).body.status).toBe('failed')
  })

  it('sent twenty times at once to two processes starts one run', async () => {
    const body = request(await openAccount())
    const calls = Array.from({ length: 20 }, (_, n) =>
      (n % 2 ? api.callSecond : api.call)('POST', '/v1/challenges', { key: acme.key, body }),
    )
    const answers = await Promise.all(calls)
    expect(answers.map(({ status }) => status)).toStrictEqual(Array(20).fill(201))
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1)
  })

  it('answers 409 to a key that comes with another account, user or template, and 201 to another operator’s', async () => {
    const id = await openAccount()
    const body = request(id)
    await start(body)
    for (const change of [{ external_account_id: await openAccount() }, { template_id: own('moving') }]) {
      expect(refused(await start({ ...body, ...change }))).toStrictEqual([409, 'idempotency_key_reused'])
    }
  })

  it('of two requests for one account starts one run', async () => {
    const id = await openAccount()
    const answers = await Promise.all([start(request(id)), start(request(id)), start(request(id))])
    expect(answers.map(({ status }) => status).toSorted()).toStrictEqual([201, 409, 409])
    expect(refused(await start(request(id)))).toStrictEqual([409, 'challenge_under_way'])
  })

  it('begins on an execution account of its own where the account was traded on, or is of another size', async () => {
    const traded = await openAccount()
    const first = (await account(traded)).account_id
    await tell(first, engineLog(first).filled(now()))
    const onTraded = await start(request(traded))
    const small = await openAccount({ initial_balance: '500' })
    const onSmall = await start(request(small))
    for (const [id, { status, body }] of [
      [traded, onTraded],
      [small, onSmall],
    ] as const) {
      expect(status).toBe(201)
      expect((await account(id)).account_id).toBe(body.account_id)
      expect(await engineOrders(id)).toStrictEqual(['open_account', 'disable_account', 'open_account'])
      const summary = await api.call('GET', `/v1/accounts/by-external-id/summary?external_account_id=${id}`, {
        key: acme.key,
      })
      expect(summary.body.summary.balance).toBe('100000.00')
    }
    expect(onTraded.body.account_id).not.toBe(first)
  })

  it.each([
    ['an unknown user', { user_id: randomUUID() }, 'user_not_found'],
    ['an unknown account', { external_account_id: 'nobody' }, 'account_not_found'],
    ['an unknown template', { template_id: randomUUID() }, 'template_not_found'],
  ])('answers 404 for %s', async (_, change, code) => {
    expect(refused(await start(request(await openAccount(), change)))).toStrictEqual([404, code])
  })

  it('answers 404 for templates that the operator does not see', async () => {
    await importing(other.operatorId, 'theirs')
    const fresh = { ...funded!, advancement: 'fresh_account' as const }
    await importing(acme.operatorId, 'fresh', { steps: [evaluation!, fresh] })
    const id = await openAccount()
    for (const template_id of [templateIdOf(other.operatorId, 'theirs'), own('fresh')]) {
      expect(refused(await start(request(id, { template_id })))).toStrictEqual([404, 'template_not_found'])
    }
  })

  it('answers 404 where account or user are another’s', async () => {
    const id = await openAccount()
    const second = await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'trader-2' } })
    const notHis = await start(request(id, { user_id: second.body.global_user_id }))
    expect(refused(notHis)).toStrictEqual([404, 'account_not_found'])
    expect(refused(await start(request(id), other.key))).toStrictEqual([404, 'user_not_found'])
  })

  it('answers 409 for accounts that no challenge is held on', async () => {
    const partner = await openAccount({ rules_owner: 'partner' })
    const euro = await openAccount({ currency: 'EUR' })
    const disabled = await openAccount()
    await api.call('PATCH', `/v1/accounts/by-external-id/status?external_account_id=${disabled}`, {
      key: acme.key,
      body: { idempotency_key: 'k', status: 'disabled' },
    })
    const [sold] = await openForProduct({})
    const answers = [partner, euro, disabled].map((id) => start(request(id)))
    answers.push(start(request(sold!, { template_id: own('moving') })))
    for (const answer of await Promise.all(answers))
      expect(refused(answer)).toStrictEqual([409, 'challenge_account_unfit'])
  })
})

describe('a product’s conditions', () => {
  it.each(['challenge_start', 'both'])('with the gate %s hold until the user is verified', async (kyc_gate) => {
    const trader = `kyc-${kyc_gate}`
    const { body: user } = await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: trader } })
    const [id] = await openForProduct({ kyc_gate }, 1, trader)
    const body = request(id!, { user_id: user.global_user_id })
    expect(refused(await start(body))).toStrictEqual([409, 'kyc_required'])
    const report = (report: object) =>
      api.call('POST', `/v1/users/${user.global_user_id}/kyc-status`, {
        key: acme.key,
        body: { reported_at: now(), ...report },
      })
    await report({ status: 'pending' })
    expect(refused(await start(body))).toStrictEqual([409, 'kyc_required'])
    await report({ status: 'verified', verified_at: now() })
    const answer = await start(body)
    expect([answer.status, answer.body.purchase_price_snapshot]).toStrictEqual([201, '499.00'])
  })

  it('ask nobody for a verification with the gate payout_only', async () => {
    const [id] = await openForProduct({ kyc_gate: 'payout_only' })
    expect((await start(request(id!))).status).toBe(201)
  })

  it('let a user hold so many challenges, however many are asked for at once', async () => {
    const ids = await openForProduct({ max_concurrent_per_user: 2 }, 6)
    const answers = await Promise.all(
      ids.map((id, n) =>
        (n % 2 ? api.callSecond : api.call)('POST', '/v1/challenges', { key: acme.key, body: request(id) }),
      ),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2)
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expect(refused(answer)).toStrictEqual([409, 'challenge_limit_reached'])
    }
  })

  it('count a run that was reset once, and free the place of one that has ended', async () => {
    const [first, second] = await openForProduct({ max_concurrent_per_user: 1 }, 2)
    const begun = await start(request(first!))
    const next = await reset(begun.body.instance_id)
    expect(refused(await start(request(second!)))).toStrictEqual([409, 'challenge_limit_reached'])
    await tell(next.body.account_id, engineLog(next.body.account_id).marked(now(), '90000.00'))
    expect((await start(request(second!))).status).toBe(201)
  })

  it('keep a user from starting again for a while after a breach', async () => {
    const [first, second] = await openForProduct({ cooldown_hours_after_breach: 1 }, 2)
    const begun = await start(request(first!))
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()
    await tell(begun.body.account_id, engineLog(begun.body.account_id).marked(hoursAgo(0.5), '90000.00'))
    expect(refused(await start(request(second!)))).toStrictEqual([409, 'challenge_cooling_down'])
    const [third, fourth] = await openForProduct({ cooldown_hours_after_breach: 1 }, 2)
    const earlier = await start(request(third!))
    await tell(earlier.body.account_id, engineLog(earlier.body.account_id).marked(hoursAgo(1.1), '90000.00'))
    expect((await start(request(fourth!))).status).toBe(201)
  })
})

describe('a run', () => {
  it('shows its figures, passes, is funded, and fails by the same rules in the end', async () => {
    await importing(acme.operatorId, 'quick', { steps: [{ ...evaluation!, minimumTradingDays: 1 }, funded!] })
    const id = await openAccount()
    expect(await account(id)).toMatchObject({ program_type: 'standard', provisioning_source: 'operator_api' })
    const { body } = await start(request(id, { template_id: own('quick') }))
    const { account_id, instance_id } = body
    expect(await account(id)).toMatchObject({ program_type: 'challenge', provisioning_source: 'operator_api' })
    const log = engineLog(account_id)
    const at = now()
    await tell(
      account_id,
      log.filled(at),
      log.changed(at, '4000.00', '104000.00'),
      log.marked(at, '104000.00', '103500.00', true),
    )
    expect((await read(instance_id)).body).toMatchObject({
      status: 'active',
      total_pnl: '3500.00',
      daily_pnl: '3500.00',
      current_drawdown: '0.00',
      peak_balance: '104000.00',
      peak_equity: '103500.00',
      trading_days: 1,
      profitable_days: 0,
    })
    await tell(account_id, log.changed(at, '6000.00', '110000.00'), log.marked(at, '110000.00'))
    expect((await read(instance_id)).body).toMatchObject({ status: 'passed', step_sequence: 2, ended_at: null })
    expect((await account(id)).program_type).toBe('funded')
    const before = await engineOrders(id)
    await tell(account_id, log.marked(at, '100.00'))
    await consequences(instance_id)
    await consequences(instance_id)
    const failed = (await read(instance_id)).body
    expect(failed).toMatchObject({ status: 'failed', ended_at: at })
    expect(challengeViewOf(await api.bus.current(challenge, instance_id))).toStrictEqual(failed)
    expect(await engineOrders(id)).toStrictEqual([...before, 'disable_account'])
    expect((await account(id)).sponsorship_status).toBe('disabled')
  })

  it('that has ended makes room for the next on the account, on a fresh execution account', async () => {
    const id = await openAccount()
    const first = await start(request(id))
    await tell(first.body.account_id, engineLog(first.body.account_id).marked(now(), '1.00'))
    const second = await start(request(id))
    expect(second.status).toBe(201)
    expect(second.body.chain_id).toBe(second.body.instance_id)
    expect(second.body.account_id).not.toBe(first.body.account_id)
  })

  it('expires by the clock, which has the account’s trading stopped', async () => {
    const id = await openAccount()
    const { body } = await start(request(id))
    const inAMonth = new Date(Date.now() + 31 * 24 * 3_600_000)
    for (const due of await rules.findDue({ now: inAMonth, limit: 100 })) await rules.decideByClock(due)
    await consequences(body.instance_id)
    expect((await read(body.instance_id)).body).toMatchObject({ status: 'expired' })
    expect(await engineOrders(id)).toStrictEqual(['open_account', 'disable_account'])
  })

  it('waits in review and for its activation where the template says so', async () => {
    const steps = [{ ...evaluation!, minimumTradingDays: 0, reviewBeforePass: true }, funded!]
    await importing(acme.operatorId, 'slow', { steps, activation: { required: true, price: '149.00' } })
    const id = await openAccount()
    const { body } = await start(request(id, { template_id: own('slow') }))
    const { account_id, instance_id } = body
    const statusSet = (status: string, idempotency_key: string) =>
      api.call('PATCH', `/v1/accounts/by-external-id/status?external_account_id=${id}`, {
        key: acme.key,
        body: { status, idempotency_key },
      })
    expect(body).toMatchObject({
      activation_required_snapshot: true,
      activation_price_snapshot: '149.00',
      activation_status: 'required',
    })
    const log = engineLog(account_id)
    await tell(account_id, log.changed(now(), '10000.00', '110000.00'), log.marked(now(), '110000.00'))
    expect((await read(instance_id)).body).toMatchObject({ status: 'pending_review', step_sequence: 1 })
    await decide(instance_id, { kind: 'review', decision: 'approved', reason: null, at: now() })
    expect((await read(instance_id)).body).toMatchObject({
      status: 'activation_pending',
      activation_status: 'pending',
      step_sequence: 2,
    })
    const early = await statusSet('active', 'early')
    expect(early.body.account).toMatchObject({ program_type: 'challenge' })
    await decide(instance_id, { kind: 'activate', reference: null, at: now() })
    expect((await statusSet('active', 'late')).body.account).toStrictEqual(await account(id))
    expect(await account(id)).toMatchObject({ program_type: 'funded' })
    expect((await statusSet('active', 'early')).body).toStrictEqual(early.body)
    const shown = (await read(instance_id)).body
    expect(shown).toMatchObject({ status: 'passed', activation_status: 'activated', activated_at: expect.any(String) })
    expect(challengeViewOf(await api.bus.current(challenge, instance_id))).toStrictEqual(shown)
  })

  it('is another operator’s own', async () => {
    const { body } = await start(request(await openAccount()))
    for (const answer of [await read(body.instance_id, other.key), await reset(body.instance_id, {}, other.key)]) {
      expect(refused(answer)).toStrictEqual([404, 'challenge_not_found'])
    }
    expect(refused(await read(randomUUID()))).toStrictEqual([404, 'challenge_not_found'])
  })
})

describe('resetChallenge', () => {
  it('ends the run and begins the next of the chain, with fresh balance and anchors, on a fresh attempt', async () => {
    const id = await openAccount()
    const { body: first } = await start(request(id))
    const log = engineLog(first.account_id)
    await tell(
      first.account_id,
      log.filled(now()),
      log.changed(now(), '-3000.00', '97000.00'),
      log.marked(now(), '97000.00'),
    )
    const answer = await reset(first.instance_id, { reason: 'bought' })
    expect(answer.status).toBe(200)
    const next = answer.body
    expect(next).toMatchObject({
      status: 'active',
      chain_id: first.chain_id,
      parent_instance_id: first.instance_id,
      reset_number: 1,
      run_label: 'R1',
      initial_balance: '100000.00',
      total_pnl: '0.00',
      peak_equity: '100000.00',
      trading_days: 0,
      template_version: first.template_version,
    })
    expect(next.account_id).not.toBe(first.account_id)
    expect((await read(first.instance_id)).body).toMatchObject({ status: 'reset', total_pnl: '-3000.00' })
    const shown = await account(id)
    expect(shown).toMatchObject({
      account_id: next.account_id,
      challenge_instance_id: next.instance_id,
      program_type: 'challenge',
      provisioning_source: 'challenge_start',
      sponsorship_status: 'active',
    })
    expect(await engineOrders(id)).toStrictEqual(['open_account', 'disable_account', 'open_account'])
    const state = await api.bus.current(accountAggregate, programAccountIdOf(acme.operatorId, id))
    expect(accountView(state)).toStrictEqual(shown)
    const all = await api.call(
      'GET',
      `/v1/accounts/by-external-id/orders?external_account_id=${id}&execution_scope=attempt&attempt_id=${shown.current_program_account_attempt_id}`,
      { key: acme.key },
    )
    expect(all.status).toBe(200)
  })

  it('answers a repeat with the same new run, and 409 to the key with another reset', async () => {
    const { body: run } = await start(request(await openAccount()))
    const body = { idempotency_key: randomUUID() }
    const first = await reset(run.instance_id, body)
    await tell(first.body.account_id, engineLog(first.body.account_id).marked(now(), '1.00'))
    const second = await reset(run.instance_id, body)
    expect([second.status, second.body]).toStrictEqual([200, first.body])
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(refused(await reset(run.instance_id, { ...body, reason: 'other' }))).toStrictEqual([
      409,
      'idempotency_key_reused',
    ])
    expect(refused(await reset(first.body.instance_id, body))).toStrictEqual([409, 'idempotency_key_reused'])
  })

  it('asked for many times at once is made once', async () => {
    const { body: run } = await start(request(await openAccount()))
    const answers = await Promise.all(Array.from({ length: 10 }, () => reset(run.instance_id)))
    expect(answers.map(({ status }) => status).toSorted()).toStrictEqual([200, ...Array(9).fill(409)])
  })

  it.each([
    ['does not allow it', { allowed: false }],
    ['has it cool down', { coolDownHours: 1 }],
  ])('answers 409 where the policy %s, and the run goes on', async (name, change) => {
    const key = `reset-${name.length}`
    await importing(acme.operatorId, key, { resetPolicy: { ...exampleTerms.resetPolicy, ...change } })
    const { body: run } = await start(request(await openAccount(), { template_id: own(key) }))
    expect(refused(await reset(run.instance_id))).toStrictEqual([409, 'challenge_reset_refused'])
    expect((await read(run.instance_id)).body.status).toBe('active')
  })

  it('answers 409 when the resets are used up, and where the run has ended', async () => {
    const { body: run } = await start(request(await openAccount()))
    const { body: next } = await reset(run.instance_id)
    expect(refused(await reset(next.instance_id))).toStrictEqual([409, 'challenge_reset_refused'])
    expect(refused(await reset(run.instance_id))).toStrictEqual([409, 'challenge_state_conflict'])
  })

  it('answers 409 where the account is disabled: the run is suspended, and goes on with the account', async () => {
    const id = await openAccount()
    const { body: run } = await start(request(id))
    await api.call('PATCH', `/v1/accounts/by-external-id/status?external_account_id=${id}`, {
      key: acme.key,
      body: { idempotency_key: 'k', status: 'disabled' },
    })
    expect(refused(await reset(run.instance_id))).toStrictEqual([409, 'challenge_account_unfit'])
    expect((await read(run.instance_id)).body).toMatchObject({ status: 'suspended', ended_at: null })
    await api.call('PATCH', `/v1/accounts/by-external-id/status?external_account_id=${id}`, {
      key: acme.key,
      body: { idempotency_key: 'k2', status: 'active' },
    })
    expect((await read(run.instance_id)).body.status).toBe('active')
  })
})
