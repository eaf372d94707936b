/**
 * Named places at which a test can end this very process, halt it, or have it fail: between an append and its answer,
 * between a publish and its record, between rows and their commit. They are live only where CRASH_POINT_FILE names a
 * file, outside production, which is looked at once, at the start; everywhere else `crashPoint` is an empty function.
 * This file stands outside the layers: every one of them has such places, and it imports none.
 */
import { readFileSync, renameSync } from 'node:fs'

/** The part that passes the place, and the place: `relay.before-publish`. Where it is marked is all that says that it exists. */
export type CrashPoint = `${string}.${string}`

/** What stands in the file, as JSON. It is taken away when it is carried out, so that it is carried out once. */
export interface CrashOrder {
  at: CrashPoint
  /** Only where what is being worked on, a text or else its JSON, holds this text. */
  about?: string
  /** At the so manieth time, from 1; default 1. */
  pass?: number
  /** SIGKILL or SIGSTOP to this process, or a throw of CrashPointReached. */
  do: 'kill' | 'stop' | 'throw'
}

export class CrashPointReached extends Error {
  override name = 'CrashPointReached'
}

/** The file that orders are read from; undefined where crash points have no effect. */
export const crashPointFile = process.env.NODE_ENV === 'production' ? undefined : process.env.CRASH_POINT_FILE

/** Marks a place. `subject` says what is being worked on; it costs nothing to hand over what is there anyway. */
export const crashPoint: (name: CrashPoint, subject?: unknown) => void = crashPointFile
  ? reachedAt(crashPointFile)
  : () => undefined

function reachedAt(file: string): (name: CrashPoint, subject?: unknown) => void {
  let passes = { of: '', count: 0 }
  return (name, subject) => {
    const text = unlessMissing(() => readFileSync(file, 'utf8'))
    if (text === undefined) return
    const order = JSON.parse(text) as CrashOrder
    if (order.at !== name || !textOf(subject).includes(order.about ?? '')) return
    passes = { of: text, count: passes.of === text ? passes.count + 1 : 1 }
    if (passes.count < (order.pass ?? 1)) return
    // Of several processes, the one that takes the file away carries the order out.
    if (unlessMissing(() => taken(file))) carryOut(order)
  }
}

const taken = (file: string): boolean => {
  renameSync(file, `${file}.reached`)
  return true
}

function carryOut({ at, do: what }: CrashOrder): void {
  if (what === 'throw') throw new CrashPointReached(`the crash point ${at} was reached`)
  process.kill(process.pid, what === 'kill' ? 'SIGKILL' : 'SIGSTOP')
}

function textOf(subject: unknown): string {
  if (typeof subject === 'string') return subject
  return JSON.stringify(subject, (_, value) => (typeof value === 'bigint' ? `${value}` : value)) ?? ''
}

function unlessMissing<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
