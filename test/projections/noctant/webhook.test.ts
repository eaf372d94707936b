import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Recorded } from '../../../src/events/event.ts'
import { webhookNames } from '../../../src/events/noctant/webhook.ts'
import { findReplaySources } from '../../../src/projections/noctant/partner-event.ts'
import { findWebhookEndpoint, listWebhookAttempts, webhookTables } from '../../../src/projections/noctant/webhook.ts'
import { dueDeliveries, outboxQueue } from '../../../src/webhooks/tables.ts'
import { createRecorder, example, ids, timeAt, uuidOf } from '../../support/examples.ts'
import { type Prepared, prepared } from '../support.ts'
import { empty, writerOn } from './tables.ts'

let database: Prepared
beforeAll(async () => {
  database = await prepared()
})
afterAll(() => database.drop())
beforeEach(() => empty(database.db))

const given = async (...events: Recorded[]) => void (await writerOn(database.db).write(events))

describe('the endpoint', () => {
  test('shows its origin and a fingerprint, and keeps its standing when it is set again', async () => {
    const { record } = createRecorder()
    const operatorId = ids.operator
    await given(record(example('noctant.WebhookEndpointSet.v1')))
    const shown = await findWebhookEndpoint(database.db, operatorId)
    expect(shown).toMatchObject({ enabled: true, url_origin: 'https://hooks.example.com', disabled_reason: null })
    expect(JSON.stringify(shown)).not.toContain('token')
    await given(
      record(example('noctant.WebhookEndpointDisabled.v1')),
      record(example('noctant.WebhookEndpointSet.v1', { url: 'https://other.example.com/', eventTypes: null })),
    )
    expect(await findWebhookEndpoint(database.db, operatorId)).toMatchObject({
      enabled: false,
      disabled_reason: 'gone',
      url_origin: 'https://other.example.com',
      event_types: null,
    })
    await given(record(example('noctant.WebhookEndpointEnabled.v1')))
    expect(await findWebhookEndpoint(database.db, operatorId)).toMatchObject({ enabled: true, disabled_reason: null })
    await given(record(example('noctant.WebhookEndpointFailing.v1')))
    expect(await findWebhookEndpoint(database.db, operatorId)).toMatchObject({ failing_since: timeAt(411) })
    await given(record(example('noctant.WebhookEndpointRecovered.v1')))
    expect(await findWebhookEndpoint(database.db, operatorId)).toMatchObject({ failing_since: null })
  })
})

describe('deliveries', () => {
  const requested = (n: number, operatorId: string, seconds: number) =>
    example('noctant.WebhookDeliveryRequested.v1', {
      deliveryId: uuidOf(`delivery ${n}`),
      operatorId,
      occurredAt: timeAt(seconds),
    })
  const due = async (seconds: number, limits = { keyMax: 10, limit: 100 }) =>
    (
      await dueDeliveries(database.db, outboxQueue(webhookNames, webhookTables), {
        now: new Date(timeAt(seconds)),
        ...limits,
      })
    ).map(({ id }) => id)

  test('are due when they were requested, then when their next attempt is, and are gone when they are over', async () => {
    const { record } = createRecorder()
    await given(record(example('noctant.WebhookDeliveryRequested.v1')))
    const id = uuidOf('webhook delivery')
    expect([await due(409), await due(410)]).toEqual([[], [id]])
    await given(record(example('noctant.WebhookAttemptFinished.v1')))
    expect([await due(415), await due(416)]).toEqual([[], [id]])
    await given(record(example('noctant.WebhookAttemptFinished.v1', { attempt: 2, nextAttemptAt: null })))
    expect(await due(9_999)).toEqual([])
  })

  test('of one operator, however many, leave room for the others', async () => {
    const { record } = createRecorder()
    const many = Array.from({ length: 30 }, (_, n) => record(requested(n, ids.operator, n)))
    const few = [record(requested(31, uuidOf('a'), 40)), record(requested(32, uuidOf('z'), 41))]
    await given(...many, ...few)
    const found = await due(60, { keyMax: 3, limit: 100 })
    expect(found).toEqual([0, 31, 32, 1, 2].map((n) => uuidOf(`delivery ${n}`)))
    expect(await due(60, { keyMax: 3, limit: 2 })).toEqual([0, 31].map((n) => uuidOf(`delivery ${n}`)))
  })

  test('have a row per attempt, newest first, the operator’s own alone', async () => {
    const { record } = createRecorder()
    const attempts = [1, 2, 3].map((attempt) =>
      record(example('noctant.WebhookAttemptFinished.v1', { attempt, finishedAt: timeAt(410 + Math.min(attempt, 2)) })),
    )
    await given(...attempts)
    const operatorId = ids.operator
    const all = await listWebhookAttempts(database.db, { operatorId, limit: 10 })
    expect(all.map((row) => row.attempt_number)).toEqual([3, 2, 1])
    const [first] = all
    const before = { finishedAt: first!.finished_at, attemptNumber: 3, deliveryRowId: first!.delivery_row_id }
    const rest = await listWebhookAttempts(database.db, { operatorId, before, limit: 10 })
    expect(rest.map((row) => row.attempt_number)).toEqual([2, 1])
    expect(await listWebhookAttempts(database.db, { operatorId: uuidOf('other'), limit: 10 })).toEqual([])
  })
})

describe('what a replay is about', () => {
  const window = { from: timeAt(-10), to: timeAt(10), limit: 100, programAccountId: undefined }
  const scope = {
    ...window,
    operatorId: ids.operator,
    eventTypes: ['user.provisioned', 'account.opened', 'trade.closed'],
  }

  test('is found by operator, by account, and by execution account, in the log’s order', async () => {
    const { record } = createRecorder()
    const user = record(example('noctant.UserProvisioned.v1'))
    const opened = record(example('noctant.AccountOpened.v1'))
    const trade = record(example('noctant.EngineTradeClosed.v1'))
    const elsewhere = record(
      example('noctant.EngineTradeClosed.v1', { accountId: uuidOf('foreign'), tradeId: uuidOf('foreign trade') }),
    )
    await given(user, opened, trade, elsewhere)
    const idsOf = async (over: object) =>
      (await findReplaySources(database.db, { ...scope, ...over })).map(({ eventId }) => eventId)
    expect(await idsOf({})).toEqual([user.id, opened.id, trade.id])
    expect(await idsOf({ limit: 2 })).toEqual([user.id, opened.id])
    expect(await idsOf({ programAccountId: ids.programAccount })).toEqual([opened.id, trade.id])
    expect(await idsOf({ eventTypes: ['trade.closed'] })).toEqual([trade.id])
    expect(await idsOf({ operatorId: uuidOf('other') })).toEqual([])
    expect(await idsOf({ from: timeAt(1) })).toEqual([])
    expect(await idsOf({ to: timeAt(0) })).toEqual([])
    expect(await findReplaySources(database.db, { ...scope, limit: 1 })).toEqual([
      { eventId: user.id, stream: user.stream, revision: '0' },
    ])
  })

  test('includes historical sessions, which belong to no account, where no account is named', async () => {
    const { record } = createRecorder()
    const session = example('noctant.HistoricalSessionRequested.v1')
    const completed = record(example('noctant.EngineBacktestCompleted.v1'))
    await given(record(session), completed)
    const eventTypes = ['historical_session.completed']
    const found = await findReplaySources(database.db, { ...scope, eventTypes })
    expect(found.map(({ eventId }) => eventId)).toEqual([completed.id])
    const ofAccount = { ...scope, eventTypes, programAccountId: ids.programAccount }
    expect(await findReplaySources(database.db, ofAccount)).toEqual([])
  })
})
