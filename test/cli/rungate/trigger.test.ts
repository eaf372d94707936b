/** `opslog rungate trigger` against a whole instance: every event really happens, and is told as webhooks tell it. */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recipes } from '../../../src/cli/rungate/trigger-recipes.ts'
import { webhookEventType } from '../../../src/events/rungate/webhook.ts'
import { runCli } from '../../support/cli.ts'
import { type Stack, startStack } from '../../support/stack.ts'

let stack: Stack
let environment: Record<string, string>
let token: string
let accountId: string
beforeAll(async () => {
  stack = await startStack({ environment: { RUNGATE_ALERTS_INTERVAL_MS: '100', WEBHOOK_ALLOW_PRIVATE: 'true' } })
  const services = {
    ...{ pid: process.pid, api: { url: stack.url }, engine: stack.engine },
    eventStore: { kind: 'embedded', url: stack.eventStoreUrl },
    postgres: { kind: 'external', url: stack.databaseUrl },
    stream: { kind: 'embedded', url: null },
  }
  const directory = dirname(stack.logFile)
  writeFileSync(join(directory, 'services.json'), JSON.stringify(services))
  environment = { DATA_DIR: directory }
  const registered = await fetch(`${stack.url}/rungate/v1/register`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ name: 'Acme' }),
  })
  const { data } = (await registered.json()) as { data: { admin_token: string; account: { id: string } } }
  token = data.admin_token
  accountId = data.account.id
})
afterAll(() => stack.close())

const trigger = (...args: string[]) => runCli(['rungate', 'trigger', ...args, '--json'], environment)

describe('opslog rungate trigger', { timeout: 60_000 }, () => {
  it('has a way to every event', () => {
    expect([...recipes.keys()].toSorted()).toStrictEqual(webhookEventType.options.toSorted())
  })

  it.each([...recipes.keys()])('makes %s happen in the account whose token it is given', async (event) => {
    const { exitCode, stdout, stderr } = await trigger(event, '--token', token)
    expect([exitCode, stderr]).toStrictEqual([0, ''])
    const told = JSON.parse(stdout)
    expect(told).toMatchObject({ event, account_id: accountId, body: { type: event, account_id: accountId } })
  })

  it('says that an account with an owner is not given away by its token', async () => {
    const told = async () => trigger('member.ownership_transferred', '--token', token)
    await told()
    const { exitCode, stderr } = await told()
    expect([exitCode, stderr]).toStrictEqual([1, expect.stringContaining('The account has an owner.')])
  })

  it('ends a run by its budget, not by the threshold of an alert', async () => {
    const { body } = JSON.parse((await trigger('run.budget_exceeded', '--token', token)).stdout)
    expect(body.data).toMatchObject({ status: 'budget_exceeded', ended_reason: 'cost_limit' })
  })

  it('registers an account where it is given no token, and says what there is where it is asked for none of that', async () => {
    const told = JSON.parse((await trigger('policy.created')).stdout)
    expect(told.requests[0]).toBe('POST /rungate/v1/register → 201')
    expect(told.account_id).not.toBe(accountId)
    const { exitCode, stderr } = await trigger('policy.eaten')
    expect([exitCode, stderr]).toStrictEqual([2, expect.stringContaining('policy.created')])
  })
})
