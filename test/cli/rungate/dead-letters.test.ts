/** `opslog dead-letters`: a webhook delivery of rungate that was given up. */
import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { example, streamOf } from '../../support/examples.ts'
import { type Stack, startStack } from '../../support/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
}, 60_000)
afterAll(() => stack.close())

const opslog = (...args: string[]) =>
  runCli(['dead-letters', ...args], {
    EVENTSTORE_URL: stack.eventStoreUrl,
    DATABASE_URL: stack.databaseUrl,
    DATA_DIR: dirname(stack.logFile),
  })

it('is listed and shown, and stays given up', async () => {
  const actor = { kind: 'operator', id: 'test' } as const
  const record = async (...events: { type: string; data: Record<string, unknown> }[]) => {
    const appended = events.map((event) => {
      const id = randomUUID()
      return { id, event, cause: { $correlationId: id, $causationId: id, actor, commandId: id } }
    })
    await stack.store.append(streamOf(events[0]!), undefined, '', appended)
  }
  const requested = example('rungate.DeliveryRequested.v1')
  const { deliveryId } = requested.data
  await record(example('rungate.WebhookCreated.v1'))
  await record(requested, example('rungate.AttemptStarted.v1'), example('rungate.DeliveryGivenUp.v1'))
  await vi.waitFor(async () => {
    const { stdout, stderr } = await opslog('list', '--json')
    expect(stderr).toBe('')
    expect(JSON.parse(stdout).rungate_deliveries).toMatchObject([{ delivery_id: deliveryId, status: 'failed' }])
  }, 10_000)
  const shown = await opslog('show', deliveryId, '--json')
  expect([shown.exitCode, JSON.parse(shown.stdout)]).toMatchObject([0, [{ deliveryId }]])
  const refused = await opslog('retry', deliveryId)
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('stays so')])
}, 60_000)
