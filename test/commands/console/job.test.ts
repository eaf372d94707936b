import { describe, expect, it } from 'vitest'
import { type JobFacts, job } from '../../../src/commands/console/job.ts'
import { argumentsOf, endOf, progressIn } from '../../../src/processes/console/job-command.ts'
import { example } from '../../support/examples.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(job)
const requested = example('console.JobRequested.v1')
const started = example('console.JobStarted.v1')
const progressed = example('console.JobProgressed.v1')
const cancelled = example('console.JobCancelRequested.v1')
const finished = example('console.JobFinished.v1')
const { occurredAt: at, ...facts } = requested.data
const { jobId: _, occurredAt: endedAt, ...end } = finished.data

describe('a job', () => {
  it('is asked for once', () => {
    given([]).when({ kind: 'request', facts, at }).then([requested])
    given([requested]).when({ kind: 'request', facts, at }).then(rejects('concurrent_change'))
  })

  it('is begun again where the process before has left it, and not after its end', () => {
    const start = { kind: 'start', at: started.data.occurredAt } as const
    given([requested]).when(start).then([started])
    given([requested, started])
      .when(start)
      .then([{ ...started, data: { ...started.data, run: 2 } }])
    given([requested, started, finished]).when(start).then([])
    given([]).when(start).then(rejects('concurrent_change'))
  })

  it('tells how far it has come while it runs', () => {
    const { percent, events, eventsPerSecond, occurredAt } = progressed.data
    const progress = { kind: 'progress', percent, events, eventsPerSecond, at: occurredAt } as const
    given([requested, started]).when(progress).then([progressed])
    given([requested]).when(progress).then([])
    given([requested, started, finished]).when(progress).then([])
  })

  it('is cancelled once, and not after its end', () => {
    const cancel = { kind: 'cancel', reason: 'the wrong one', at: cancelled.data.occurredAt } as const
    given([requested, started]).when(cancel).then([cancelled])
    given([requested, cancelled]).when(cancel).then([])
    given([requested, started, finished]).when(cancel).then(rejects('concurrent_change'))
  })

  it('ends once', () => {
    given([requested, started]).when({ kind: 'finish', end, at: endedAt }).then([finished])
    given([requested, started, finished]).when({ kind: 'finish', end, at: endedAt }).then([])
  })
})

describe('what the command line is asked', () => {
  const of = (changes: Partial<JobFacts>): JobFacts => ({
    ...{ jobId: facts.jobId, kind: 'rebuild', context: null, projection: null, stream: null, category: null },
    ...{ reason: null, requestedBy: 'grace' },
    ...changes,
  })

  it.each([
    [of({ projection: 'noctant.order' }), 'projections rebuild noctant.order --keep-previous --limit 1 --json'],
    [of({ kind: 'estimate', projection: 'noctant.order' }), 'projections rebuild noctant.order --dry-run --json'],
    [of({ kind: 'verification' }), 'audit verify --json'],
    [of({ kind: 'verification', stream: 'noctant.account-1' }), 'audit verify --stream noctant.account-1 --json'],
    [of({ kind: 'skip', projection: 'a.b', stream: 's-1' }), 'projections parked skip s-1 --projection a.b --json'],
  ])('%o', (asked, args) => expect(argumentsOf(asked)?.join(' ')).toBe(args))

  it('is nothing of a pause', () => expect(argumentsOf(of({ kind: 'pause', context: 'noctant' }))).toBeUndefined())
})

describe('what the command line answers', () => {
  it('says how far it is', () => {
    expect(progressIn('rebuild: 40 %, 1200 events, 600/s, 3 s left')).toEqual({
      ...{ percent: 40, events: 1_200, eventsPerSecond: 600 },
    })
    expect(progressIn('rebuilt')).toBeUndefined()
  })

  it('is a report, whatever it has found', () => {
    const text = JSON.stringify({
      events: 7,
      findings_total: 1,
      findings: [{ kind: 'hash', stream: 's-1', revision: null, position: '9', type: 'a.B.v1', detail: 'd' }],
    })
    expect(endOf(1, text, '')).toMatchObject({ outcome: 'done', error: null, findingsTotal: 1, figures: { events: 7 } })
  })

  it('is why it was refused, in full', () => {
    const log =
      'rebuild: 1 %, 2 events, 3/s, 4 s left\n{"error":{"code":"refused","message":"no tables are kept","hint":"Rebuild."}}'
    expect(endOf(1, '', log)).toMatchObject({ outcome: 'refused', error: 'No tables are kept. Rebuild.', log })
    expect(endOf(1, '', 'unexpected: Error\n  at x')).toMatchObject({ error: 'unexpected: Error\n  at x' })
    expect(endOf(null, '', '')).toMatchObject({ outcome: 'refused', error: 'It ended with a signal.' })
    expect(endOf(1, '[{"applied":0,"fault":"no such account"}]', '')).toMatchObject({ error: 'no such account' })
  })
})
