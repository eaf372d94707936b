/** `opslog dead-letters`: a webhook event of firsthand that was given up. */
import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type ExampleType, example, streamOf } from '../../support/examples.ts'
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
const listed = async () =>
  JSON.parse((await opslog('list', '--json')).stdout).firsthand_events as { event_id: string }[]

/** Puts examples of one stream into the log. */
async function record(...events: ReturnType<typeof exampleOf>[]): Promise<void> {
  const actor = { kind: 'operator', id: 'test' } as const
  const appended = events.map((event) => {
    const id = randomUUID()
    return { id, event, cause: { $correlationId: id, $causationId: id, actor, commandId: id } }
  })
  await stack.store.append(streamOf(events[0]!), undefined, '', appended)
}
const exampleOf = <T extends ExampleType>(type: T, data: object = {}) => ({
  type,
  data: { ...example(type).data, ...data },
})

it('is listed and shown, and sent again as the API does; it cannot be discarded', async () => {
  const created = exampleOf('firsthand.WebhookEventCreated.v1')
  const { eventId } = created.data
  await record(exampleOf('firsthand.WebhookEndpointCreated.v1'))
  await record(
    created,
    exampleOf('firsthand.WebhookAttemptStarted.v1'),
    exampleOf('firsthand.WebhookAttemptFinished.v1', { status: 'dead_letter', nextAttemptAt: null }),
  )
  await vi.waitFor(async () => expect(await listed()).toMatchObject([{ event_id: eventId }]), 10_000)
  const shown = await opslog('show', eventId, '--json')
  expect([shown.exitCode, JSON.parse(shown.stdout)]).toMatchObject([0, [{ eventId, attempts: 1 }]])
  const kept = await opslog('discard', eventId)
  expect([kept.exitCode, kept.stderr]).toEqual([1, expect.stringContaining('there is nothing to discard')])

  expect(await opslog('retry', eventId)).toMatchObject({ exitCode: 0, stdout: 'It is delivered again.\n' })
  const types = (await eventsOf(stack.store, streamOf(created))).map(({ type }) => type)
  expect(types).toContain('firsthand.WebhookReplayRequested.v1')
  await vi.waitFor(async () => expect(await listed()).toEqual([]), 10_000)
}, 60_000)
