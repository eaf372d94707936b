/**
 * Every event type that the log may hold, as the contexts declare them. Each event is decoded here once, when it is read.
 * One that does not decode is poison and never reaches a fold or a handler. Old versions stay; upcasters lift them.
 */
import { z } from 'zod'
import { uuidOfPrefixed } from '../runtime/ulid.ts'
import { type AnyEvent, anyVersionOf, categoryOf } from './event.ts'
import { logEvents } from './log-identity.ts'
import { type PersonalField, personalFields } from './personal.ts'
import type { PublishedEvents } from './published.ts'
import { sealEvents, sealSentences } from './seal.ts'

/** Written regularly to a stream of its own: it keeps subscriptions moving and lets the lag be measured. */
export const HEARTBEAT = 'opslog.HeartbeatRecorded.v1'

type Schemas = Readonly<Record<string, z.ZodType>>

/** What a context declares about its events. */
export interface EventDeclarations {
  /** Event type → schema of its data: the storage format, for ever. */
  readonly schemas: Schemas
  /** Event type → the categories of the streams that it stands in. */
  readonly categories: Readonly<Record<string, readonly string[]>>
  /** Superseded type → the function that lifts its data to the successor. */
  readonly upcasters?: Readonly<Record<string, (data: unknown) => AnyEvent>>
  /** Event type → the event in a sentence for auditors; audit/sentences.ts says how placeholders are written. */
  readonly sentences?: Readonly<Record<string, string>>
  /** Event type → how webhooks publish it. */
  readonly published?: PublishedEvents
  /** The member of an event's data that names the person whom its personal fields are about. */
  readonly person?: string
  /** Event types that record that the key of a person was destroyed. */
  readonly forgets?: readonly string[]
  /** The member of an event's data that names the tenant. */
  readonly tenant?: string
  /** Members of an event's data, other than the tenant's, that name things which belong to a tenant, of whatever kind. */
  readonly things?: readonly string[]
}

/** Declares schemas by the category of their streams; `also`: event type → further categories that it stands in. */
export const inStreams = (
  streams: Readonly<Record<string, Schemas>>,
  also: Readonly<Record<string, readonly string[]>> = {},
): Pick<EventDeclarations, 'schemas' | 'categories'> => ({
  schemas: merged(Object.values(streams)),
  categories: Object.fromEntries(
    Object.entries(streams).flatMap(([category, schemas]) =>
      Object.keys(schemas).map((type) => [type, [category, ...(also[type] ?? [])]]),
    ),
  ),
})

/** Types of the kernel's own events begin so; they may stand in any stream. */
const KERNEL = 'opslog.'

/** The kernel's own events. */
export const kernelEvents: Omit<EventDeclarations, 'categories'> = {
  schemas: { [HEARTBEAT]: z.object({ occurredAt: z.iso.datetime() }), ...sealEvents, ...logEvents.schemas },
  sentences: { ...sealSentences, ...logEvents.sentences },
}

/** An event that cannot be read: its type is unknown or its data does not fit the type's schema. */
export class UndecodableEvent extends Error {
  override name = 'UndecodableEvent'
}

export interface Registry {
  readonly schemas: Readonly<Record<string, z.ZodType>>
  readonly upcasters: Readonly<Record<string, (data: unknown) => AnyEvent>>
  readonly sentences: Readonly<Record<string, string>>
  readonly published: PublishedEvents
  /**
   * An event of another program that uses the same event store, though its type has a name of ours: its stream is not of
   * the type's categories.
   */
  isForeign(event: { type: string; stream: string }): boolean
  /** The event in its newest version. Throws UndecodableEvent with the type and the first fault. */
  decode(type: string, data: unknown): AnyEvent
  /** The personal fields of an event type; undefined where it has none. */
  personalFieldsOf(type: string): readonly PersonalField[] | undefined
  /** The person whose personal text an event holds, sealed or not; undefined where it holds none. */
  personOf(event: { type: string; data: unknown }): string | undefined
  /** The person whom the event records as forgotten, if any. */
  forgottenIn(event: { type: string; data: unknown }): string | undefined
  /** Prefixes of the event types, in any version, that record a forgotten person. */
  readonly forgettingTypes: readonly string[]
}

/**
 * The registry of these contexts and of the kernel. Throws where two declare one type, and where events have personal
 * fields, or forget, and nothing is said of whom.
 */
export function createRegistry(contexts: readonly { events: EventDeclarations }[]): Registry {
  const declared = [{ ...kernelEvents, categories: {} }, ...contexts.map(({ events }) => events)]
  const schemas = merged(declared.map((each) => each.schemas))
  const upcasters = merged(declared.map((each) => each.upcasters ?? {}))
  const categories = new Map(
    declared.flatMap((each) =>
      Object.entries(each.categories).map(([type, of]): [string, readonly string[]] => [anyVersionOf(type), of]),
    ),
  )
  const known = new Set(Object.keys(schemas).map(contextOf))
  const { fields, members, forgetting } = personsIn(declared)
  return {
    schemas,
    upcasters,
    sentences: merged(declared.map((each) => each.sentences ?? {})),
    published: new Map(declared.flatMap((each) => [...(each.published ?? [])])),
    isForeign({ type, stream }) {
      const declaredIn = categories.get(anyVersionOf(type))
      if (declaredIn !== undefined) return !declaredIn.includes(categoryOf(stream))
      const context = contextOf(type)
      return context !== KERNEL && !(known.has(context) && stream.startsWith(context))
    },
    decode: (type, data) => decode({ schemas, upcasters }, type, data),
    personalFieldsOf: (type) => fields.get(type),
    personOf: (event) => personIn(event, members, fields),
    forgottenIn: (event) => {
      const member = forgetting.get(event.type)
      return member === undefined ? undefined : personNamed(event.data, member)
    },
    forgettingTypes: [...forgetting.keys()].map(anyVersionOf),
  }
}

/** `noctant.AccountOpened.v1` → `noctant.` */
const contextOf = (type: string): string => type.slice(0, type.indexOf('.') + 1)

/** By event type: its personal fields, the member that names whom they are about, and the one that names who is forgotten. */
function personsIn(declared: readonly Pick<EventDeclarations, 'schemas' | 'person' | 'forgets'>[]) {
  const fields = new Map<string, readonly PersonalField[]>()
  const members = new Map<string, string>()
  const forgetting = new Map<string, string>()
  for (const { schemas, person, forgets = [] } of declared) {
    const memberFor = (type: string): string => {
      if (person !== undefined) return person
      throw new Error(`${type} is about a person, and its context does not say who names them`)
    }
    for (const [type, schema] of Object.entries(schemas)) {
      const personal = personalFields(schema)
      if (personal.length === 0) continue
      fields.set(type, personal)
      members.set(type, memberFor(type))
    }
    for (const type of forgets) forgetting.set(type, memberFor(type))
  }
  return { fields, members, forgetting }
}

function merged<Value>(maps: readonly Readonly<Record<string, Value>>[]): Readonly<Record<string, Value>> {
  const all: Record<string, Value> = {}
  for (const [type, value] of maps.flatMap((map) => Object.entries(map))) {
    if (type in all) throw new Error(`the event type ${type} is declared twice`)
    all[type] = value
  }
  return all
}

function decode({ schemas, upcasters }: Pick<Registry, 'schemas' | 'upcasters'>, type: string, data: unknown) {
  let event: { type: string; data: unknown } = { type, data }
  for (let upcast = upcasters[type]; upcast; upcast = upcasters[event.type]) event = upcast(event.data)
  const schema = schemas[event.type]
  if (!schema) throw new UndecodableEvent(`unknown event type ${event.type}`)
  const result = schema.safeParse(event.data)
  if (!result.success) {
    const [fault] = result.error.issues
    throw new UndecodableEvent(`${event.type}: ${fault?.path.join('.')} ${fault?.message}`)
  }
  return { type: event.type, data: result.data as Record<string, unknown> }
}

function personIn(
  { type, data }: { type: string; data: unknown },
  members: ReadonlyMap<string, string>,
  fieldsByType: ReadonlyMap<string, readonly PersonalField[]>,
): string | undefined {
  const member = members.get(type)
  const fields = fieldsByType.get(type)
  if (member === undefined || !fields || typeof data !== 'object' || data === null) return undefined
  const values = data as Record<string, unknown>
  return fields.some(({ name }) => typeof values[name] === 'string') ? personNamed(data, member) : undefined
}

function personNamed(data: unknown, member: string): string | undefined {
  const named = (data as Record<string, unknown> | null | undefined)?.[member]
  // Keys are kept by UUIDs: an id with a prefix stands for the one of the same bits.
  return typeof named === 'string' ? (uuidOfPrefixed(named) ?? named.toLowerCase()) : undefined
}
