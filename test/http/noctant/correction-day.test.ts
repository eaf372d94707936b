import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../projections/support.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { accountRequest } from './serving.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack.close())

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the answer holds.
async function call(method: string, path: string, body?: unknown): Promise<any> {
  const response = await fetch(`${stack.url}/noctant${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return response.json()
}

it('corrections move the balance at the engine, and one that would make it negative fails there with its code', async () => {
  const { global_user_id: userId } = await call('POST', '/v1/users', { external_id: 'trader-1' })
  await call('POST', '/v1/accounts', accountRequest('corrected', { initial_balance: '1000' }))
  const of = `/v1/users/${userId}/account-corrections`
  const ends = async (amount: string) => {
    const { correction } = await call('POST', of, {
      external_account_id: 'corrected',
      amount,
      reason: 'test',
      idempotency_key: randomUUID(),
    })
    return eventually(async () => {
      const read = (await call('GET', `${of}/${correction.correction_id}`)).correction
      expect(['executed', 'execution_failed']).toContain(read.status)
      return read
    })
  }
  expect(await ends('250.50')).toMatchObject({ status: 'executed', amount: '250.50' })
  expect(await ends('-1250.50')).toMatchObject({ status: 'executed', execution_failure_code: null })
  expect(await ends('-0.01')).toMatchObject({
    status: 'execution_failed',
    execution_failure_code: 'insufficient_balance',
    executed_at: null,
  })
  await eventually(async () => {
    const { summary } = await call('GET', '/v1/accounts/by-external-id/summary?external_account_id=corrected')
    expect(summary.balance).toBe('0.00')
  })
}, 30_000)
