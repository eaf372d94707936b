/** Maintenance that was asked for: begun by a process of the projector role, taken up again by another, cancelled, ended once. */
import type { JobEvent, JobFinished, JobRequested } from '../../events/console/job.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export type JobFacts = Omit<JobRequested, 'occurredAt'>
export type JobEnd = Omit<JobFinished, 'jobId' | 'occurredAt'>

export type JobState =
  | { status: 'absent' }
  | { status: 'requested' | 'running' | 'finished'; facts: JobFacts; runs: number; isCancelled: boolean }

export type JobCommand =
  | { kind: 'request'; facts: JobFacts; at: string }
  | { kind: 'start'; at: string }
  | { kind: 'progress'; percent: number; events: number; eventsPerSecond: number; at: string }
  | { kind: 'cancel'; reason: string | null; at: string }
  | { kind: 'finish'; end: JobEnd; at: string }

export const job: Aggregate<JobState, JobCommand, JobEvent> = {
  category: 'console.job',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'console.JobRequested.v1') {
      const { occurredAt: _, ...facts } = event.data
      return { status: 'requested', facts, runs: 0, isCancelled: false }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'console.JobStarted.v1':
        return { ...state, status: 'running', runs: event.data.run }
      case 'console.JobProgressed.v1':
        return state
      case 'console.JobCancelRequested.v1':
        return { ...state, isCancelled: true }
      case 'console.JobFinished.v1':
        return { ...state, status: 'finished' }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { at: occurredAt } = command
    if (command.kind === 'request') {
      if (state.status !== 'absent') throw new Rejected('concurrent_change', 'The job exists already.')
      return [{ type: 'console.JobRequested.v1', data: { ...command.facts, occurredAt } }]
    }
    if (state.status === 'absent') throw new Rejected('concurrent_change', 'There is no such job.')
    const of = { jobId: state.facts.jobId, occurredAt }
    const isOver = state.status === 'finished'
    switch (command.kind) {
      case 'start':
        return isOver ? [] : [{ type: 'console.JobStarted.v1', data: { ...of, run: state.runs + 1 } }]
      case 'progress': {
        const { percent, events, eventsPerSecond } = command
        if (state.status !== 'running') return []
        return [{ type: 'console.JobProgressed.v1', data: { ...of, percent, events, eventsPerSecond } }]
      }
      case 'cancel':
        if (isOver) throw new Rejected('concurrent_change', 'The job has ended.')
        return state.isCancelled
          ? []
          : [{ type: 'console.JobCancelRequested.v1', data: { ...of, reason: command.reason } }]
      case 'finish':
        return isOver ? [] : [{ type: 'console.JobFinished.v1', data: { ...of, ...command.end } }]
      default:
        return command satisfies never
    }
  },
}
