/** What a context's demo is given, and what it tells. */
import type { AdminSession } from '../admin-session.ts'
import type { Checklist } from './checks.ts'
import type { ClientLimits } from './client.ts'

export interface DemoSetting {
  /** Of the instance that is to be shown. */
  dataDirectory: string
  /** Where it listens now, and whether it sends webhooks to its own machine. Throws CliError where none runs. */
  running(): { apiUrl: string; allowsLoopback: boolean }
  /** As for an administrator's command. */
  withSession<T>(work: (session: AdminSession) => Promise<T>): Promise<T>
  checks: Checklist
  limits: ClientLimits
  waits: { waitMaxMs: number; pollIntervalMs: number }
}

/** `say` adds to the line of the chapter what has been found meanwhile. */
export type DemoChapter = readonly [title: string, work: (say: (note: string) => void) => Promise<void>]

export interface ContextDemo {
  /** What this run is called. */
  run: string
  chapters: readonly DemoChapter[]
  /** Ends what the chapters have started, whether they came to their end or not. */
  close?: () => Promise<void>
}
