import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Recorded } from '../../../src/events/event.ts'
import {
  commandViewColumns,
  findCommand,
  unconfirmedCommands,
} from '../../../src/projections/noctant/account-command.ts'
import { noctantTables } from '../../../src/projections/noctant/tables.ts'
import { createRecorder, type ExampleEvent, example, ids, timeAt, uuidOf } from '../../support/examples.ts'
import { type Prepared, prepared } from '../support.ts'
import { empty, writerOn } from './tables.ts'

let database: Prepared
beforeAll(async () => {
  database = await prepared()
})
afterAll(() => database.drop())
beforeEach(() => empty(database.db))

const given = (...events: Recorded[]) => writerOn(database.db).write(events)
const found = () =>
  noctantTables(database.db)
    .selectFrom('noctant_account_commands')
    .select(commandViewColumns)
    .where('command_id', '=', ids.command)
    .executeTakeFirst()

const requested = () => example('noctant.EngineCommandRequested.v1')
const published = () => example('noctant.EngineCommandPublished.v1')
const republished = () => example('noctant.EngineCommandRepublished.v1')
const deadLettered = () => example('noctant.EngineCommandDeadLettered.v1')
const accountOpened = () => example('noctant.EngineAccountOpened.v1')
const decided = () => example('noctant.EngineCommandDecided.v1')

describe('the status of a command to the engine', () => {
  test('goes from accepted to published to confirmed', async () => {
    const { record } = createRecorder()
    await given(record(requested()))
    const pending = {
      command_id: ids.command,
      account_id: ids.account,
      command_type: 'open_account',
      status: 'outbox_pending',
      accepted_at: timeAt(20),
      nats_published_at: null,
      engine_wal_republish_count: null,
      engine_wal_last_republished_at: null,
      engine_wal_event_id: null,
      engine_wal_event_type: null,
      engine_wal_confirmed_at: null,
      engine_command_outcome: null,
      engine_command_outcome_at: null,
      engine_command_outcome_event_id: null,
      engine_command_outcome_reason: null,
      engine_command_outcome_reason_code: null,
      dead_lettered_at: null,
      dead_letter_reason: null,
    }
    expect(await found()).toEqual(pending)

    await given(record(published()))
    const sent = { ...pending, status: 'nats_published', nats_published_at: timeAt(21), engine_wal_republish_count: 0 }
    expect(await found()).toEqual(sent)

    await given(record(republished()))
    const again = { ...sent, engine_wal_republish_count: 1, engine_wal_last_republished_at: timeAt(51) }
    expect(await found()).toEqual(again)

    const first = record(accountOpened())
    const second = record(decided())
    await given(first, second)
    expect(await found()).toEqual({
      ...again,
      status: 'engine_wal_confirmed',
      engine_wal_event_id: first.id,
      engine_wal_event_type: 'AccountOpened',
      engine_wal_confirmed_at: timeAt(102),
      engine_command_outcome: 'accepted',
      engine_command_outcome_at: timeAt(102),
      engine_command_outcome_event_id: second.id,
    })
  })

  test('is dead-lettered with the reason, until the engine’s log says otherwise', async () => {
    const { record } = createRecorder()
    await given(record(requested()), record(published()), record(deadLettered()))
    expect(await found()).toMatchObject({
      status: 'dead_lettered',
      dead_lettered_at: timeAt(900),
      dead_letter_reason: 'no confirmation',
    })
    await given(record(accountOpened()))
    // What the command caused is recorded before its decision: until that is there, nobody is told of a confirmation.
    expect(await found()).toMatchObject({ status: 'dead_lettered', engine_command_outcome: null })
    await given(record(decided()))
    expect(await found()).toMatchObject({ status: 'engine_wal_confirmed', dead_lettered_at: timeAt(900) })
  })

  test('says why the engine refused', async () => {
    const { record } = createRecorder()
    const refusal = { outcome: 'rejected', reasonCode: 'account_exists', reason: 'The account is there.' } as const
    await given(record(requested()), record(example('noctant.EngineCommandDecided.v1', refusal)))
    expect(await found()).toMatchObject({
      status: 'engine_wal_confirmed',
      engine_wal_event_type: 'CommandDecided',
      engine_command_outcome: 'rejected',
      engine_command_outcome_reason: 'The account is there.',
      engine_command_outcome_reason_code: 'account_exists',
    })
  })

  test('is the same in whatever order the streams’ events meet, in one batch or one by one', async () => {
    // Each stream keeps its own order.
    const streams: (() => ExampleEvent)[][] = [
      [requested],
      [published, republished, deadLettered],
      [accountOpened, decided],
    ]
    const orders = interleavings(streams)
    expect(orders).toHaveLength(60)
    let expected: unknown
    for (const order of orders) {
      for (const apart of [false, true]) {
        await empty(database.db)
        const { record } = createRecorder()
        const events = order.map((make) => {
          const event = make()
          return { ...record(event), id: uuidOf(event.type) } as Recorded
        })
        if (apart) for (const event of events) await given(event)
        else await given(...events)
        expected ??= await found()
        expect(await found()).toEqual(expected)
      }
    }
    expect(expected).toMatchObject({ status: 'engine_wal_confirmed', engine_wal_event_type: 'AccountOpened' })
  })

  test('is told to the operator of its account, and to no other', async () => {
    const { record } = createRecorder()
    await given(record(example('noctant.AccountOpened.v1')), record(requested()))
    const { operatorId, externalAccountId } = example('noctant.AccountOpened.v1').data
    const asked = (operator: string, account: string, command: string) =>
      findCommand(database.db, operator, account, command)
    expect(await asked(operatorId, externalAccountId, ids.command)).toMatchObject({
      present_account_id: ids.account,
      command_id: ids.command,
      status: 'outbox_pending',
    })
    expect(await asked(operatorId, externalAccountId, uuidOf('another command'))).toMatchObject({
      present_account_id: ids.account,
      command_id: null,
      status: null,
    })
    expect(await asked(operatorId, 'another account', ids.command)).toBeUndefined()
    expect(await asked(uuidOf('another operator'), externalAccountId, ids.command)).toBeUndefined()
  })
})

describe('unconfirmed commands', () => {
  test('are those neither confirmed nor given up, the longest waiting first, with what it takes to send them', async () => {
    const { record } = createRecorder()
    const command = (name: string, seconds: number) =>
      record(example('noctant.EngineCommandRequested.v1', { commandId: uuidOf(name), occurredAt: timeAt(seconds) }))
    const sentAt = (name: string, attempt: number, seconds: number) =>
      record(
        example('noctant.EngineCommandPublished.v1', {
          commandId: uuidOf(name),
          attempt,
          occurredAt: timeAt(seconds),
        }),
      )
    await given(
      command('sent lately', 1),
      command('confirmed', 2),
      command('given up', 3),
      command('sent', 4),
      command('waiting', 5),
      sentAt('sent lately', 0, 100),
      sentAt('sent', 2, 10),
      record(example('noctant.EngineCommandDecided.v1', { commandId: uuidOf('confirmed') })),
      record(example('noctant.EngineCommandDeadLettered.v1', { commandId: uuidOf('given up') })),
    )
    const before = new Date(timeAt(100))
    const due = await unconfirmedCommands(database.db, { before, limit: 10 })
    expect(due).toEqual([
      {
        command_id: uuidOf('waiting'),
        account_id: ids.account,
        program_account_id: ids.programAccount,
        status: 'outbox_pending',
        attempts: 0,
        accepted_at: timeAt(5),
        last_sent_at: null,
        request: { ...requested().data, commandId: uuidOf('waiting'), occurredAt: timeAt(5) },
      },
      expect.objectContaining({
        command_id: uuidOf('sent'),
        status: 'nats_published',
        attempts: 3,
        last_sent_at: timeAt(10),
      }),
    ])
    expect(await unconfirmedCommands(database.db, { before, limit: 1 })).toEqual(due.slice(0, 1))
  })
})

/** Every merge of the lists that keeps each list's order. */
function interleavings<T>(lists: readonly (readonly T[])[]): T[][] {
  const left = lists.filter((list) => list.length > 0)
  if (left.length === 0) return [[]]
  return left.flatMap((list) =>
    interleavings(left.map((each) => (each === list ? each.slice(1) : each))).map((rest) => [list[0]!, ...rest]),
  )
}
