import { describe, expect, it } from 'vitest'
import { worker } from '../../../src/commands/firsthand/worker.ts'
import type { WorkerEvent } from '../../../src/events/firsthand/worker.ts'
import { uuidOfPrefixed } from '../../../src/runtime/ulid.ts'
import { registry } from '../../support/contexts.ts'
import { example } from '../../support/examples.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(worker)
const registered = example('firsthand.WorkerRegistered.v1') as WorkerEvent
const forgotten = example('firsthand.WorkerForgotten.v1') as WorkerEvent
const { workerId, occurredAt: at } = forgotten.data
const forget = { kind: 'forget', workerId, reference: 'DSR-8', at } as const

describe('a worker', () => {
  it('is forgotten once, by the id that its key is kept under', () => {
    given([registered]).when(forget).then([forgotten])
    given([registered, forgotten]).when(forget).then([])
    given([]).when(forget).then(rejects('worker_not_found'))
    expect(registry.forgottenIn(forgotten)).toBe(uuidOfPrefixed(workerId))
    expect(registry.personOf(registered)).toBe(uuidOfPrefixed(workerId))
  })

  it('that is forgotten gets nothing more but what it is owed', () => {
    const history = [registered, forgotten]
    given(history).when({ kind: 'resume', reason: null, workerId, at }).then(rejects('worker_not_found'))
    const credit = { kind: 'credit', submissionId: 'sub_1', jobId: 'job_1', amountCents: 20n, workerId, at } as const
    given(history)
      .when(credit)
      .then([
        {
          type: 'firsthand.EarningCredited.v1',
          data: {
            ...{ workerId, occurredAt: at, balanceCents: '20', submissionId: 'sub_1', jobId: 'job_1' },
            ...{ amountCents: '20', approvedCount: 1 },
          },
        },
      ])
  })
})
