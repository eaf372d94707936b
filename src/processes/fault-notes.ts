/** Notes in Postgres what the processes here have met, for the others of the installation, whose readiness shows it too. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.ts'
import type { ReadModels } from '../postgres/database.ts'
import { noteProcessFault } from '../projections/process-faults.ts'
import type { ProcessHealth } from './process.ts'

export interface FaultNotes {
  db: ReadModels
  /** Every process that runs here by now. */
  processes: readonly { leads: readonly string[]; health: ProcessHealth }[]
  intervalMs: number
  signal: AbortSignal
  log: Pick<Log, 'warn'>
}

/** Runs until `signal` aborts. It writes only what has changed. */
export async function runFaultNotes({ db, processes, intervalMs, signal, log }: FaultNotes): Promise<void> {
  const noted = new Map<string, string | undefined>()
  while (!signal.aborted) {
    for (const { leads, health } of processes) {
      const [name] = leads
      if (name === undefined || !mayNote(health)) continue
      const { fault } = health
      if (noted.has(name) && noted.get(name) === fault) continue
      try {
        await noteProcessFault(db, name, fault)
        noted.set(name, fault)
      } catch (err) {
        log.warn({ err, process: name, fault }, 'what a process has met is not noted yet, and will be')
      }
    }
    await delay(intervalMs, undefined, { signal }).catch(() => undefined)
  }
}

/** One that stands by knows nothing of the one that leads; what was noted stands until somebody has looked. */
const mayNote = ({ state, fault, isUnproven = false }: ProcessHealth): boolean =>
  state === 'halted' || (state === 'leading' && (fault !== undefined || !isUnproven))
