/**
 * The state of things at a moment, from their events alone: folded as decisions fold them where there is an aggregate,
 * otherwise the last value of each field that the stream's events have stated.
 */
import { type AnyEvent, categoryOf } from '../events/event.ts'
import { PartedMap } from '../runtime/parted-map.ts'
import { isOthers } from './chain.ts'
import type { Fold } from './declarations.ts'
import { type Continuation, describeIn, type Ground, QuestionTooLarge, recalled, takeAdmitted } from './history.ts'
import { isAfter, type Moment } from './moment.ts'
import { createdAt } from './raw-log.ts'
import { type Budget, walk } from './scan.ts'
import { type DescribedEvent, idOf } from './timeline.ts'

export interface StreamAt {
  stream: string
  /** Of the last event taken in. */
  revision: bigint
  lastEventAt: string
  state: unknown
}

/** Takes the event into the state of its stream. One that cannot be read is passed over. */
function evolved(
  before: StreamAt | undefined,
  described: DescribedEvent,
  fold: Fold | undefined,
): StreamAt | undefined {
  if (described.fault !== undefined) return before
  const { stream, revision } = described.raw
  const state = before?.state ?? fold?.initialState ?? {}
  const after = fold ? fold.evolve(state, described.event) : lastValues(state as object, described.event)
  return { stream, revision, lastEventAt: createdAt(described.raw).toISOString(), state: after }
}

export interface StateQuestion {
  thing: string
  moments: readonly Moment[]
  /** For the thing's own events, once its streams are known. */
  folding: Budget
}

/** Where a question about a state is taken up again. */
export interface StateContinuation extends Continuation {
  /** Of the thing's own streams that were met so far. */
  categories: readonly string[]
}

export interface StateRead {
  /** One list per moment that was asked for, in the order of the streams' first events; none while `next` is there. */
  states: StreamAt[][]
  next: StateContinuation | undefined
  last: bigint | undefined
}

/**
 * The states of a thing's own streams at each of the moments. First the log is walked for the streams, which may take
 * several pages; then they are folded, from their own events alone. Throws QuestionTooLarge where the
 * second goes beyond its budget.
 */
export async function readStates(ground: Ground, question: StateQuestion, from: StateContinuation): Promise<StateRead> {
  const { log, budget, onProgress } = ground
  const { thing, moments } = question
  const timeline = await recalled(ground, thing, from)
  const met = new Set<string>()
  const isPast = (event: DescribedEvent['raw']) =>
    event.position > from.until || moments.every((moment) => isAfter(event, moment))
  const { last, isFinished } = await walk(
    log,
    { after: from.after, isPast, ...(onProgress ? { onProgress } : {}) },
    budget,
    (event) => {
      if (!timeline.concerns(event)) return
      return takeAdmitted(ground, timeline, event, ({ raw }) => void met.add(raw.stream))
    },
  )
  const own = [...met].filter((stream) => timeline.ids().has(idOf(stream)))
  const categories = new Set([...from.categories, ...own.map(categoryOf)])
  if (!isFinished) {
    const teachers = [...timeline.teachers()]
    return { states: [], next: { after: last, until: from.until, teachers, categories: [...categories] }, last }
  }
  // What earlier pages have met is known by its parts.
  const earlier = from.categories.flatMap((category) => [...timeline.ids()].map((id) => `${category}-${id}`))
  const states = await foldStreams(ground, question, [...new Set([...earlier, ...own])], from.until)
  return { states, next: undefined, last }
}

interface Folded {
  /** Position of the first event. */
  begins: bigint
  /** One per moment. */
  at: (StreamAt | undefined)[]
}

async function foldStreams(
  ground: Ground,
  { moments, folding }: StateQuestion,
  streams: readonly string[],
  until: bigint,
): Promise<StreamAt[][]> {
  const { log, scope, rules } = ground
  const folded: Folded[] = []
  for (const stream of streams) {
    if (folding.isSpent()) throw new QuestionTooLarge('more events make this state than one request may read')
    const fold = rules.foldOf(stream)
    let mine: Folded | undefined
    for await (const event of log.readStream(stream)) {
      if (event.position > until || moments.every((moment) => isAfter(event, moment))) break
      const isPassedOver = isOthers(event, log.registry)
      // A stream has one owner.
      if (!isPassedOver && !mine && (await scope.admit([event])).length === 0) break
      // What other programs have written into it is read as well.
      folding.spend()
      if (folding.isSpent()) throw new QuestionTooLarge('more events make this state than one request may read')
      if (isPassedOver) continue
      mine ??= { begins: event.position, at: moments.map(() => undefined) }
      const described = await describeIn(ground, event)
      const { at } = mine
      for (const [index, moment] of moments.entries()) {
        if (!isAfter(event, moment)) at[index] = evolved(at[index], described, fold)
      }
    }
    if (mine) folded.push(mine)
  }
  folded.sort((a, b) => (a.begins < b.begins ? -1 : 1))
  return moments.map((_, index) => folded.map(({ at }) => at[index]).filter((state) => state !== undefined))
}

const lastValues = (before: object, { data }: AnyEvent): object => ({ ...before, ...data })

export interface Change {
  stream: string
  /** Dotted path of the value. */
  path: string
  /** JSON; undefined: there was none. */
  before: string | undefined
  after: string | undefined
}

/** Every value that differs between two states of the same streams. */
export function changesBetween(before: readonly StreamAt[], after: readonly StreamAt[]): Change[] {
  const flat = (streams: readonly StreamAt[]) =>
    new Map(streams.flatMap(({ stream, state }) => leaves(state).map(([path, value]) => [`${stream} ${path}`, value])))
  const [old, now] = [flat(before), flat(after)]
  const changes: Change[] = []
  for (const place of new Set([...old.keys(), ...now.keys()])) {
    if (old.get(place) === now.get(place)) continue
    const [stream, path] = [place.slice(0, place.indexOf(' ')), place.slice(place.indexOf(' ') + 1)]
    changes.push({ stream, path, before: old.get(place), after: now.get(place) })
  }
  return changes
}

/** A state as JSON has it: maps as objects, sets as lists, 64-bit numbers as text, what is kept as bytes by its size. */
export function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return sizeOf(value)
  if (value instanceof Map || value instanceof PartedMap) return plain(Object.fromEntries(value))
  if (value instanceof Set) return plain([...value])
  if (typeof value === 'bigint') return `${value}`
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]))
}

/** Bytes are no words: they stand for what the events say anyhow, packed for speed. */
const sizeOf = ({ byteLength }: ArrayBufferView): string => `${byteLength} bytes`

export function leaves(value: unknown, path = ''): [path: string, json: string][] {
  if (ArrayBuffer.isView(value)) return [[path || '.', JSON.stringify(sizeOf(value))]]
  if (value instanceof Map || value instanceof PartedMap) return leaves(Object.fromEntries(value), path)
  if (value instanceof Set) return leaves([...value], path)
  if (typeof value !== 'object' || value === null) {
    return [[path || '.', typeof value === 'bigint' ? `${value}` : (JSON.stringify(value) ?? 'undefined')]]
  }
  const members = Object.entries(value)
  if (members.length === 0) return [[path || '.', Array.isArray(value) ? '[]' : '{}']]
  return members.flatMap(([key, member]) => leaves(member, path ? `${path}.${key}` : key))
}
