import { describe, expect, it } from 'vitest'
import { partnerEventOf } from '../../../src/events/noctant/partner-events.ts'
import { payloadOf } from '../../../src/processes/noctant/webhook-payload.ts'
import { createRecorder, example, ids } from '../../support/examples.ts'

const owner = { tenantId: ids.operator, externalAccountId: 'account-1' }
const opened = createRecorder().record(example('noctant.AccountOpened.v1'))
const payload = (event = opened) => payloadOf(event, partnerEventOf(event)!, owner)

describe('a payload', () => {
  it('says what happened to what, where it stands, and whose it is', () => {
    expect(JSON.parse(payload())).toMatchObject({
      type: 'account.opened',
      id: opened.id,
      occurred_at: opened.data.occurredAt,
      recorded_at: opened.recordedAt.toISOString(),
      operator_id: ids.operator,
      external_account_id: 'account-1',
      aggregate: 'account',
      aggregate_id: ids.programAccount,
      aggregate_revision: 0,
      data: { program_account_id: ids.programAccount, initial_balance: '100000.00' },
    })
  })
  it('is the same bytes whenever it is made', () => {
    expect(payload()).toBe(payload())
  })
  it('has the revision exactly, however large', () => {
    expect(payload({ ...opened, revision: 2n ** 62n + 1n })).toContain('"aggregate_revision":4611686018427387905,')
  })
  it('names an aggregate of several words in snake case, and its id whole', () => {
    const event = createRecorder().record(example('noctant.EngineCommandDeadLettered.v1'))
    const body = JSON.parse(payloadOf(event, partnerEventOf(event)!, owner))
    expect(body).toMatchObject({ aggregate: 'engine_command', aggregate_id: ids.command })
  })
})
