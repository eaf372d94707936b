/** Refusals about runs that more than one place makes. */
import { Rejected } from './rejection.ts'

export const runNotRunning = () => new Rejected('run_not_running', 'The run has ended.')
export const runNotFound = () => new Rejected('run_not_found', 'There is no such run.')
