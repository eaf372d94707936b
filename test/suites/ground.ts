/**
 * What a context hands over so that the suites of this folder run on it. A new context has them by two files in
 * test/suites/<context>/, which its project then runs:
 *
 *   operations.test.ts   makes a ground: a served API, how to sign in to it, and ids of what two of its tenants have.
 *                        One line: `runOperationSuites(ground)`.
 *   events.test.ts       an example of each of its event types, in an order in which they can happen.
 *                        One line: `runEventSuites({ context, examples, streamOf })`.
 *
 * test/projects.test.ts sees to it that every context of src/contexts.ts has both.
 */
import type { EventStore } from '../../src/events/store.ts'
import type { ContextApi } from '../../src/http/context.ts'
import type { KernelCode } from '../../src/http/errors.ts'

export type HeaderFields = Readonly<Record<string, string>>

/** A way of signing in, as the headers of a request. */
export interface Credentials {
  /** Opens everything that its scheme opens. */
  good: HeaderFields
  /** As good, and without any scope; absent where the scheme knows no scopes. */
  scopeless?: HeaderFields
  /** Has the form of a good one. */
  wrong: HeaderFields
}

/** Ids that a tenant has, by the names under which requests and answers know them; `/api/runs id`: of this collection alone. */
export type Belongings = Map<string, string[]>

export interface Ground {
  api: ContextApi
  /** Of the instance, without a path: `http://127.0.0.1:8080`. */
  url: string
  /** The log that it writes to. */
  store: Pick<EventStore, 'head'>
  /** The tenant's, by the names of the schemes in the context's API. */
  credentials: Readonly<Record<string, Credentials>>
  /** Those of other contexts that the instance serves too, which open nothing of this one. */
  elsewhere: readonly HeaderFields[]
  own: Belongings
  /** What another tenant has: to this one the same as what does not exist. */
  foreign: Belongings
  /** What the body of a refusal says. */
  refusalOf: (body: never) => { code?: string | undefined; requestId?: string | undefined }
  requestId: RegExp
  /** An id of this name that nothing has. */
  idOfNothing: (name: string) => string
  /** Names of ids in requests, by which belongings name them: `{ user_id: 'global_user_id' }`. UUIDs are known as ids. */
  aliases: Readonly<Record<string, string>>
  /** Operations that leave an event even where they refuse, with the status of that. */
  recordsRefusals: readonly number[] | ((operationId: string) => readonly number[])
  /** Headers of every request, as far as its own do not say otherwise: whom it is about, where that is no credential. */
  named?: HeaderFields | ((operationId: string) => HeaderFields)
  /** Headers that say who asks, which requests have only where they sign in. */
  signing?: readonly string[]
  /** Parameters, and operations with their bodies, whose faults by the document are taken all the same. */
  forgives?: ReadonlySet<string>
  /** Parameters of which more than the document's maximum is taken for that maximum. */
  clamps?: ReadonlySet<string>
  /** By operation: what it heeds of a body. The document is asked about that alone. */
  heeds?: Readonly<Record<string, (body: unknown) => unknown>>
  /** Texts that members of these names may well have, where the document says only that they are text. */
  texts?: Readonly<Record<string, readonly string[]>>
  close(): Promise<void>
}

/** The ids in an answer are kept, at most 20 of a name. */
export function remember(belongings: Belongings, answer: unknown): void {
  if (typeof answer !== 'object' || answer === null) return
  for (const [name, value] of Object.entries(answer)) {
    if (typeof value === 'object') remember(belongings, value)
    if (typeof value !== 'string' || !name.endsWith('_id') || name === 'request_id') continue
    const known = belongings.get(name) ?? []
    if (known.length < 20 && !known.includes(value)) belongings.set(name, [...known, value])
  }
}

/** Whom a request is about. */
export const namedIn = ({ named = {} }: Pick<Ground, 'named'>, operationId: string): HeaderFields =>
  typeof named === 'function' ? named(operationId) : named

/** The statuses of refusals that an operation puts on record. */
export const recordedOf = ({ recordsRefusals: of }: Pick<Ground, 'recordsRefusals'>, operationId: string) =>
  typeof of === 'function' ? of(operationId) : of

/** The status under which a context refuses what the kernel refuses. */
export const statusOf = ({ errors }: ContextApi, code: KernelCode): number => {
  const entry = errors.codes[code]
  if (!entry) throw new Error(`the error table has no ${code}`)
  return entry.status
}
