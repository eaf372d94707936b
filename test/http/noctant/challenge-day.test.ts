import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { templateIdOf } from '../../../src/commands/noctant/template.ts'
import { eventually } from '../../projections/support.ts'
import { runCli } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/services.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { accountRequest } from './serving.ts'

let stack: Stack
const directory = temporaryDirectory()
beforeAll(async () => {
  stack = await startStack()
})
afterAll(async () => {
  await stack.close()
  directory.remove()
})

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the answer holds.
type Answer = { status: number; body: any }

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${stack.url}/noctant${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: await response.json() }
}

async function buy(accountId: string): Promise<number> {
  const response = await fetch(`${stack.engine.url}/orders`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.engine.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ accountId, symbol: 'EURUSD', side: 'buy', orderType: 'market', quantity: '1' }),
  })
  await response.body?.cancel()
  return response.status
}

const opslog = (...args: string[]) =>
  runCli(args, {
    EVENTSTORE_URL: stack.eventStoreUrl,
    DATABASE_URL: stack.databaseUrl,
    DATA_DIR: directory.path,
  })
const of = (what: string) => `/v1/accounts/by-external-id${what}?external_account_id=day`
const tradingStatus = async (expected: string) =>
  eventually(async () => expect((await call('GET', of('/summary'))).body.summary.trading_status).toBe(expected))

it('a loss below the floor fails the run at the engine’s next word, closes the position and ends trading; a fresh run goes on', async () => {
  const file = join(directory.path, 'strict.json')
  const step = {
    name: 'Strict',
    kind: 'evaluation',
    profit_target: { percent: '10' },
    maximum_daily_loss: { amount: '0.01' },
  }
  const template = {
    key: 'strict',
    name: 'Strict',
    currency: 'USD',
    initial_balance: '100000',
    day_boundary: { time_zone: 'UTC', time: '00:00' },
    steps: [step],
  }
  await writeFile(file, JSON.stringify(template))
  const imported = JSON.parse((await opslog('admin', 'template', 'import', file, '--json')).stdout)
  expect(imported).toMatchObject({ key: 'strict', version: 1, changed: true })

  const user = await call('POST', '/v1/users', { external_id: 'trader-1' })
  await call('POST', '/v1/accounts', accountRequest('day', { rules_owner: 'noctant' }))
  await tradingStatus('active')
  const start = (template_id: string) =>
    call('POST', '/v1/challenges', {
      idempotency_key: randomUUID(),
      user_id: user.body.global_user_id,
      external_account_id: 'day',
      template_id,
    })
  const run = await start(imported.template_id)
  expect(run.status).toBe(201)
  expect(await buy(run.body.account_id)).toBeLessThan(300)
  const failed = await eventually(async () => {
    const { body } = await call('GET', `/v1/challenges/${run.body.instance_id}`)
    expect(body.status).toBe('failed')
    return body
  })
  expect(failed.ended_at).not.toBeNull()
  await tradingStatus('disabled')
  await eventually(async () => {
    expect((await call('GET', of('/positions'))).body.count).toBe(0)
    expect((await call('GET', of('/trades'))).body.trades).toMatchObject([{ close_reason: 'force_close' }])
  })

  expect((await start(templateIdOf(null, 'one-step'))).body.code).toBe('challenge_account_unfit')
  await call('PATCH', of('/status'), { idempotency_key: 'again', status: 'active' })
  const next = await start(templateIdOf(null, 'one-step'))
  expect(next.status).toBe(201)
  await tradingStatus('active')
  expect((await call('GET', of('/summary'))).body.summary.balance).toBe('100000.00')
  expect((await call('GET', of(''))).body.account).toMatchObject({
    account_id: next.body.account_id,
    challenge_instance_id: next.body.instance_id,
  })
  const reset = await call('POST', `/v1/challenges/${next.body.instance_id}/reset`, { idempotency_key: 'r' })
  expect(reset.body).toMatchObject({ run_label: 'R1', parent_instance_id: next.body.instance_id })
  await tradingStatus('active')
  expect(await buy(reset.body.account_id)).toBeLessThan(300)
  await eventually(async () => expect((await call('GET', of('/positions'))).body.count).toBe(1))
}, 60_000)

it('presets are there from the first start on, and can be archived', async () => {
  const list = async () => JSON.parse((await opslog('admin', 'template', 'list', '--json')).stdout)
  const keys = (await list()).map(({ key }: { key: string }) => key)
  expect(keys).toEqual(expect.arrayContaining(['instant-funded', 'one-step', 'two-step']))
  expect(
    JSON.parse((await opslog('admin', 'template', 'import', '--presets', '--json')).stdout).imported,
  ).toStrictEqual([])
  await opslog('admin', 'template', 'archive', 'two-step', '--reason', 'too easy')
  await eventually(async () =>
    expect((await list()).find(({ key }: { key: string }) => key === 'two-step').archived_at).not.toBeNull(),
  )
  expect(
    JSON.parse((await opslog('admin', 'template', 'import', '--presets', '--json')).stdout).imported,
  ).toStrictEqual([])
}, 60_000)

it('a template’s faults are told one by one, with their places', async () => {
  const file = join(directory.path, 'bad.json')
  await writeFile(file, JSON.stringify({ key: 'bad', currency: 'XQZ', steps: [{ name: 'x', kind: 'evaluation' }] }))
  const { exitCode, stderr } = await opslog('admin', 'template', 'import', file)
  expect(exitCode).toBe(1)
  for (const place of ['name:', 'currency: is no ISO 4217', 'initial_balance:', 'day_boundary:'])
    expect(stderr).toContain(place)
  await writeFile(file, '{')
  expect((await opslog('admin', 'template', 'import', file)).stderr).toContain('is not JSON')
  expect((await opslog('admin', 'template', 'import')).exitCode).toBe(2)
}, 60_000)

it('an instantly funded run waits for its activation, which is told on the command line, once', async () => {
  const file = join(directory.path, 'instant.json')
  const template = {
    key: 'instant',
    name: 'Instant',
    currency: 'USD',
    initial_balance: '100000',
    day_boundary: { time_zone: 'UTC', time: '00:00' },
    steps: [{ name: 'Funded', kind: 'funded' }],
    activation: { required: true, price: '149' },
  }
  await writeFile(file, JSON.stringify(template))
  const operatorId = (await call('GET', '/v1/me')).body.operator.operator_id
  const imported = JSON.parse(
    (await opslog('admin', 'template', 'import', file, '--operator', operatorId, '--json')).stdout,
  )
  const user = await call('POST', '/v1/users', { external_id: 'trader-1' })
  await call('POST', '/v1/accounts', accountRequest('instant', { rules_owner: 'noctant' }))
  const run = await call('POST', '/v1/challenges', {
    idempotency_key: randomUUID(),
    user_id: user.body.global_user_id,
    external_account_id: 'instant',
    template_id: imported.template_id,
  })
  expect(run.body).toMatchObject({ status: 'activation_pending', activation_price_snapshot: '149.00' })
  const decide = (...args: string[]) => opslog('admin', 'challenge', ...args, '--json')
  expect((await decide('review', run.body.instance_id, 'approved')).stderr).toContain('challenge_state_conflict')
  const activated = await decide('activate', run.body.instance_id, '--reference', 'invoice-7')
  expect(JSON.parse(activated.stdout)).toMatchObject({ status: 'active', events: ['noctant.ChallengeActivated.v1'] })
  expect(JSON.parse((await decide('activate', run.body.instance_id)).stdout)).toMatchObject({ changed: false })
  await eventually(async () =>
    expect((await call('GET', `/v1/challenges/${run.body.instance_id}`)).body).toMatchObject({
      status: 'active',
      activation_status: 'activated',
    }),
  )
  expect((await decide('activate', randomUUID())).stderr).toContain('challenge_not_found')
}, 60_000)

it('a product is put on sale and archived from the command line, by its slug', async () => {
  const operatorId = (await call('GET', '/v1/me')).body.operator.operator_id
  const made = await call('POST', '/v1/products', {
    idempotency_key: 'p',
    template_id: templateIdOf(null, 'one-step'),
    display_name: 'One step',
    slug: 'one-step',
    price: '499.5',
    currency: 'USD',
    status: 'draft',
    public_listing: true,
    display_order: 1,
    kyc_gate: 'none',
    metadata: null,
  })
  expect(made.body).toMatchObject({ status: 'draft', price: '499.50' })
  const set = (status: string) => opslog('admin', 'product', 'status', operatorId, 'one-step', status, '--json')
  expect(JSON.parse((await set('active')).stdout)).toMatchObject({ changed: true, status: 'active' })
  expect(JSON.parse((await set('active')).stdout)).toMatchObject({ changed: false })
  expect((await set('draft')).exitCode).toBe(1)
  await eventually(async () =>
    expect((await call('GET', `/v1/products/${made.body.product_id}`)).body).toMatchObject({ status: 'active' }),
  )
}, 60_000)
