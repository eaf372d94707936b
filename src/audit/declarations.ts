/**
 * What contexts declare for auditors: which streams are theirs, which sums have to add up, what makes a thing and what
 * it is known by. The kernel checks and tells by these declarations alone; it knows no event type by its name.
 */
import { type AnyEvent, categoryOf } from '../events/event.ts'

/** A book that is being kept: one memory over the events that it is given. */
export interface OpenBook {
  /** The events in the log's order. Answers, in sentences, what does not add up. */
  enter(event: AnyEvent): string[]
}

/** Something that has to add up. */
export interface Book {
  /** What it is about, in a few words. */
  readonly name: string
  /** `isFromStart`: the events to come are the first there are; otherwise what came before them is not missed. */
  open(isFromStart: boolean): OpenBook
}

/** What an event says of the thing that its stream is about. */
export interface Mention {
  /** It makes the thing, so that it stands in the stream once. */
  readonly isCreation?: boolean
  /** Fields with ids under which the thing goes on, in whichever stream. */
  readonly owns?: readonly string[]
  /** Fields with a name that people know the thing by. */
  readonly names?: readonly string[]
}

export interface AuditDeclarations {
  /** Categories of streams that no aggregate folds. */
  readonly categories?: readonly string[]
  /** Books over all events, kept where the whole log is read. */
  readonly logBooks?: readonly Book[]
  /** Category → books over each of its streams. */
  readonly streamBooks?: Readonly<Record<string, readonly Book[]>>
  /** Event type → the field that counts from 1 without gaps, over all types of a stream that have one. */
  readonly sequences?: Readonly<Record<string, string>>
  /** Event type → what it says of the stream's thing. */
  readonly mentions?: Readonly<Record<string, Mention>>
  /** Categories of what belongs to no tenant, whosever things its events name. */
  readonly nobodys?: readonly string[]
  /** Its persons are no tenant's: a tenant that reads its own events finds what is personal in them sealed. */
  readonly hidesPersons?: true
  /** Categories that record who has read what; what was read about is not thereby longer. */
  readonly readings?: readonly string[]
}

/** The part of a decider that history needs. */
export interface Fold {
  category: string
  initialState: unknown
  evolve(state: unknown, event: AnyEvent): unknown
}

/** The declarations of all contexts, as the kernel asks for them. */
export interface AuditRules {
  foldOf(stream: string): Fold | undefined
  /** Whether the stream is one of ours; other programs may use the same event store. */
  isOurs(stream: string): boolean
  readonly logBooks: readonly Book[]
  streamBooksOf(stream: string): readonly Book[]
  /** Undefined where events of this type are not counted. */
  sequenceFieldOf(type: string): string | undefined
  mentionOf(type: string): Mention | undefined
  isReading(stream: string): boolean
  isNobodys(stream: string): boolean
  /** Whether what is personal in such an event stays sealed to tenants. */
  hidesPersons(type: string): boolean
  /** The member of such an event's data that names the tenant, by what its context declares. */
  tenantFieldOf(type: string): string | undefined
  /** The members of such an event's data that name things of tenants. */
  thingFieldsOf(type: string): readonly string[]
}

/** The kernel's own categories; `opslog.` begins no context's name. */
const KERNEL = /^opslog\./

export interface Declaring {
  readonly name: string
  readonly events: { readonly tenant?: string; readonly things?: readonly string[] }
  readonly aggregates: readonly Fold[]
  readonly books?: AuditDeclarations
}

const contextOf = (type: string): string => type.slice(0, type.indexOf('.'))

/** Puts the contexts' declarations together. */
export function auditRulesOf(contexts: readonly Declaring[]): AuditRules {
  const declared = contexts.flatMap(({ books }) => books ?? [])
  const folds = new Map(contexts.flatMap(({ aggregates }) => aggregates.map((fold) => [fold.category, fold])))
  const categories = new Set([...folds.keys(), ...declared.flatMap((each) => each.categories ?? [])])
  const readings = new Set(declared.flatMap((each) => each.readings ?? []))
  const nobodys = new Set(declared.flatMap((each) => each.nobodys ?? []))
  const mapOf = <Value>(pick: (each: AuditDeclarations) => Readonly<Record<string, Value>> | undefined) =>
    new Map(declared.flatMap((each) => Object.entries(pick(each) ?? {})))
  const streamBooks = mapOf((each) => each.streamBooks)
  const sequences = mapOf((each) => each.sequences)
  const mentions = mapOf((each) => each.mentions)
  const hiding = new Set(contexts.filter(({ books }) => books?.hidesPersons).map(({ name }) => name))
  const eventsOf = new Map(contexts.map(({ name, events }) => [name, events]))
  return {
    foldOf: (stream) => folds.get(categoryOf(stream)),
    isOurs: (stream) => categories.has(categoryOf(stream)) || KERNEL.test(stream),
    logBooks: declared.flatMap((each) => each.logBooks ?? []),
    streamBooksOf: (stream) => streamBooks.get(categoryOf(stream)) ?? [],
    sequenceFieldOf: (type) => sequences.get(type),
    mentionOf: (type) => mentions.get(type),
    isReading: (stream) => readings.has(categoryOf(stream)),
    isNobodys: (stream) => nobodys.has(categoryOf(stream)),
    hidesPersons: (type) => hiding.has(contextOf(type)),
    tenantFieldOf: (type) => eventsOf.get(contextOf(type))?.tenant,
    thingFieldsOf: (type) => eventsOf.get(contextOf(type))?.things ?? [],
  }
}
