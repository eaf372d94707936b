/**
 * What a context declares. A context is one API contract with all that stands behind it, as one value: the kernel is
 * given a list of such values (contexts.ts) and knows none of them by name. What it shows on the command line is a value of
 * its own (cli/context-cli.ts), which is there before anything of this is loaded.
 */

import type { z } from 'zod'
import type { Directories } from './api-keys/directory.ts'
import type { AuditDeclarations } from './audit/declarations.ts'
import type { AnyAggregate } from './commands/decider.ts'
import type { CommandBus } from './commands/handle.ts'
import type { Config, Role } from './config.ts'
import type { EventDeclarations, Registry } from './events/registry.ts'
import type { EventStore } from './events/store.ts'
import type { ContextApi } from './http/context.ts'
import type { CoreParts } from './http/operation.ts'
import type { Clock } from './postgres/clock.ts'
import type { ReadModels } from './postgres/database.ts'
import type { ProcessDependencies, ProcessHealth } from './processes/process.ts'
import type { Projection } from './projections/projection.ts'
import type { PositionWaiter } from './projections/waiter.ts'
import type { GaugeSource, Probe } from './runtime/health.ts'
import type { Services } from './services/backing-services.ts'
import type { KeyRing } from './vault/key-ring.ts'
import type { Vault } from './vault/vault.ts'

/** What an instance gives to the parts of a context that run in it. */
export interface ContextParts {
  config: Config
  /** The context's own variables, as the schema that it declares reads them. */
  settings<S extends z.ZodObject>(schema: S): z.output<S>
  services: Services
  /** What the log's events mean. */
  registry: Registry
  store: EventStore
  /** The context's way of commands in this process, so that a state is kept once. */
  bus: CommandBus
  db: ReadModels
  clock: Clock
  /** Where clients reach the API, without a slash at its end: PUBLIC_URL, else the instance's own address. */
  apiUrl: () => string
  /** The keys of persons, and the instance's own keys. */
  vault: Vault
  keyRing: KeyRing
  /** What a process of this name works with, in addition to its own parts. */
  dependenciesOf<F extends ProcessHealth>(name: string, health: F): ProcessDependencies & { health: F }
}

/** A process of a context, in an instance that runs its role. */
export interface ProcessDeclaration {
  /** Names of its leaderships: one process of an installation leads each at a time, and readiness says which nobody leads. */
  leads: readonly string[]
  role: Role
  start(parts: ContextParts): RunningProcess
}

export interface RunningProcess {
  /** Resolves when it has ended, after the instance has asked it to. */
  ended: Promise<void>
  health: ProcessHealth
  /** What readiness shows of it; absent: its health. */
  probe?: Probe['check']
  gauges?: readonly GaugeSource[]
}

/** A variable of the environment, as people are shown it. */
export interface SettingShown {
  name: string
  value: string
  fallback: string
  source: 'environment' | 'default'
  description: string
}

/** What the API role gives to a context in addition. */
export interface ApiParts<Own extends Directories = Directories> extends ContextParts {
  /** Every variable of the environment, with its value here, those that are secrets as `***`. */
  settingsShown(): readonly SettingShown[]
  contexts: readonly Context[]
  /** The context's own, each up to date. */
  directories: Own
  /** Of every context that is served. */
  logReaders: readonly FindLogReader[]
  /** Of the context's own read models. */
  waiter: PositionWaiter
  /** Waits, within bounds, until the read models of every context have what the log's last events say. */
  caughtUp(wantedFrom: (prefix: string) => Promise<bigint | undefined>): Promise<void>
  /** Whether a process of the installation leads under this name. */
  isLed(name: string): Promise<boolean>
  /** Done as soon as the API is to stop, before requests under way have ended. */
  onDrain(step: () => void): void
  /** What is left here is done at the stop, the last first. */
  onClose(undo: () => Promise<void>): void
}

/** A key that an instance has made for those who try it. */
export interface FirstRun {
  /** Where the key is kept, and under which member. */
  file: string
  member: string
  apiKey: string
  /** An address to try it with: `/noctant/v1/me`. */
  path: string
  /** This start made it. */
  created: boolean
}

/** A tenant whose own key signed a request for its part of the log. */
export interface LogReader {
  tenantId: string
  name: string
  keyId: string
  scopes: readonly string[]
}

/** Whose key a text is; undefined: no such key, or one that does not work. */
export type FindLogReader = (text: string, now: Date) => LogReader | undefined

export interface Served {
  /** What the handlers of its API work with. */
  parts: CoreParts
  /** What an instance does at its start where a sandbox is wanted. Safe to repeat. */
  firstRun?(url: string): Promise<FirstRun>
  /** The path at which newcomers register themselves. */
  registersAt?: string
  /** A link by which whoever has started the instance comes in; each is new. */
  entrance?(): Promise<string>
  gauges?: readonly GaugeSource[]
  /** What readiness shows of it, beside its processes. */
  probes?: readonly Probe[]
}

export interface Context<Own extends Directories = Directories> {
  /** The first part of its event types, of its tables' names and of its paths: `noctant`. */
  readonly name: string
  readonly events: EventDeclarations
  /** Variables of the environment that are its own, each name with its unit. */
  readonly settings?: z.ZodObject
  /** How its streams are folded, each category once. */
  readonly aggregates: readonly AnyAggregate[]
  readonly projections: readonly Projection[]
  /** What auditors can check of it. */
  readonly books?: AuditDeclarations
  /** Loaded and made where its HTTP is served; they follow the log from before the first request. */
  readonly directories?: () => Promise<Own>
  /** Which of its keys the audit API takes, beside auditors' own. */
  findLogReader?(directories: Own): Promise<FindLogReader>
  /** Its HTTP, loaded where it is served or described. */
  readonly api: () => Promise<ContextApi>
  /** Puts together what its HTTP works with. */
  serve(parts: ApiParts<Own>): Promise<Served>
  /** What it does by itself, each with a subscription, a checkpoint and a leadership of its own. */
  readonly processes: readonly ProcessDeclaration[]
}
