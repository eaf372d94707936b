import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Recorded } from '../../../src/events/event.ts'
import { findCorrection } from '../../../src/projections/noctant/correction.ts'
import { createRecorder, example, ids, timeAt, uuidOf } from '../../support/examples.ts'
import { type Prepared, prepared } from '../support.ts'
import { empty, writerOn } from './tables.ts'

let database: Prepared
beforeAll(async () => {
  database = await prepared()
})
afterAll(() => database.drop())
beforeEach(() => empty(database.db))

const given = (...events: Recorded[]) => writerOn(database.db).write(events)
const found = ({ operatorId = ids.operator, userId = ids.user } = {}) =>
  findCorrection(database.db, operatorId, userId, uuidOf('correction'))

const requested = () => example('noctant.AccountCorrectionRequested.v1')
const published = () => example('noctant.EngineCommandPublished.v1')
const deadLettered = () => example('noctant.EngineCommandDeadLettered.v1')
const changed = (change: string) =>
  example('noctant.EngineBalanceChanged.v1', { cause: 'correction', commandId: ids.command, change })
const decided = (outcome: 'accepted' | 'rejected' | 'ignored', reasonCode: string | null = null) =>
  example('noctant.EngineCommandDecided.v1', { kind: 'adjust_balance', outcome, reasonCode })

describe('the status of a correction', () => {
  test('goes from publishing to published to executed', async () => {
    const { record } = createRecorder()
    await given(record(requested()))
    expect(await found()).toMatchObject({ status: 'publishing', amount: '-25.00', published_at: null })
    await given(record(published()), record(example('noctant.EngineCommandRepublished.v1')))
    expect(await found()).toMatchObject({ status: 'published', published_at: timeAt(21) })
    const change = record(changed('-25.00'))
    await given(change)
    expect(await found()).toMatchObject({ status: 'published', execution_event_id: change.id })
    await given(record(decided('accepted')))
    expect(await found()).toMatchObject({ status: 'executed', executed_at: timeAt(111), execution_failed_at: null })
  })

  test('is publish_failed once the command is given up, until the engine’s log says otherwise', async () => {
    const { record } = createRecorder()
    await given(record(requested()), record(published()), record(deadLettered()))
    expect(await found()).toMatchObject({ status: 'publish_failed', publish_failed_at: timeAt(900) })
    await given(record(changed('-25.00')), record(decided('accepted')))
    expect(await found()).toMatchObject({ status: 'executed' })
  })

  test.each(['rejected', 'ignored'] as const)('is execution_failed where the engine has %s it', async (outcome) => {
    const { record } = createRecorder()
    await given(record(requested()), record(decided(outcome, 'insufficient_balance')))
    expect(await found()).toMatchObject({
      status: 'execution_failed',
      execution_failed_at: timeAt(102),
      execution_failure_code: 'insufficient_balance',
    })
  })

  test.each([
    ['accepted without a change', [], 'accepted'],
    ['accepted with another amount', ['-25.01'], 'accepted'],
    ['refused after a change', ['-25.00'], 'rejected'],
  ] as const)('is invalid_execution where it was %s', async (_, changes, outcome) => {
    const { record } = createRecorder()
    await given(record(requested()), ...changes.map((change) => record(changed(change))), record(decided(outcome)))
    expect(await found()).toMatchObject({ status: 'invalid_execution' })
  })

  test('is told to its own operator and of its own user alone', async () => {
    const { record } = createRecorder()
    await given(record(requested()))
    expect([await found({ operatorId: ids.org }), await found({ userId: ids.org })]).toStrictEqual([
      undefined,
      undefined,
    ])
  })

  test('has no row for commands that are no corrections', async () => {
    const { record } = createRecorder()
    await given(record(published()), record(decided('accepted')))
    expect(await found()).toBeUndefined()
  })
})
