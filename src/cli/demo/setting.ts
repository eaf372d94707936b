/** What a demo is given, and what it tells. */
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import type { Checklist } from './checks.ts'
import type { ClientLimits } from './client.ts'

/** Of an instance that is not the one of DATA_DIR, or of another tenant: what options name. */
export interface GivenTarget {
  url?: string
  key?: string
  keyFile?: string
  engineUrl?: string
  engineToken?: string
  /** Leaves the files that it has made. */
  keep?: boolean
}

export interface DemoSetting {
  given: GivenTarget
  tools: AdminTools
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

export type Demo = (setting: DemoSetting) => ContextDemo

/** An instance that restarts meanwhile is waited for, one that is gone is given up. A request may wait for a minute by itself. */
export const demoLimits: ClientLimits = { requestTimeoutMs: 70_000, unreachableMaxMs: 30_000, retryIntervalMs: 250 }

export const demoWaits = (patienceS: number): DemoSetting['waits'] => ({
  waitMaxMs: patienceS * 1_000,
  pollIntervalMs: 25,
})
