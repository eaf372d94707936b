/** What the console's pages work with, and how it knows who looks. */
import type { SettingShown } from '../../context.ts'
import type { EventStore } from '../../events/store.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { SessionDirectory } from '../../projections/console/credentials.ts'
import type { Projection } from '../../projections/projection.ts'
import type { CoreParts } from '../operation.ts'
import type { SeriesCache } from './plotting.ts'
import type { Samples } from './samples.ts'

export interface ConsoleLimits {
  /** How long a browser stays signed in, in all and without being used. */
  sessionTtlMs: number
  sessionIdleMs: number
  /** How long the answer to a sign-in waits until this process knows the session. */
  sessionKnownWaitMs: number
  followersMax: number
  /** How long a page follows before somebody has to say so again. */
  followMaxMs: number
}

export interface ConsoleParts extends CoreParts {
  isOn: boolean
  db: ReadModels
  sessions: Pick<SessionDirectory, 'find'>
  /** Done as soon as the API is to stop. */
  onDrain: (step: () => void) => void
  /** Every setting, with its value here; secrets are not among the values. */
  settings: () => readonly SettingShown[]
  /** Of every context, the read models that the code has. */
  readModels: () => readonly { name: string; projections: readonly Projection[] }[]
  /** Where others reach the instance; undefined: by the address that they ask. */
  publicUrl: string | undefined
  limits: ConsoleLimits
  /** Heads of the log alone. */
  store: Pick<EventStore, 'head'>
  samples: Samples
  /** Figures of plots that were asked for lately. */
  series: SeriesCache
}
