/**
 * The state of things at a moment, from their events alone: folded as decisions fold them where there is an aggregate,
 * otherwise the last value of each field that the stream's events have stated.
 */
import { type AnyEvent, categoryOf } from '../events/event.ts'
import type { Fold } from './rules.ts'
import type { Told } from './timeline.ts'

export interface StreamAt {
  stream: string
  /** Of the last event taken in. */
  revision: bigint
  lastEventAt: string
  state: unknown
}

/** Streams in the order of their first event. Events that cannot be read are passed over. */
export function statesOf(
  events: Iterable<Told>,
  folds: readonly Fold[],
  lastEventAt: (told: Told) => string,
): StreamAt[] {
  const byCategory = new Map(folds.map((fold) => [fold.category, fold]))
  const streams = new Map<string, StreamAt>()
  for (const told of events) {
    if (told.fault !== undefined) continue
    const { stream, revision } = told.raw
    const fold = byCategory.get(categoryOf(stream))
    const before = streams.get(stream)?.state ?? fold?.initialState ?? {}
    const state = fold ? fold.evolve(before, told.event) : lastValues(before as object, told.event)
    streams.set(stream, { stream, revision, lastEventAt: lastEventAt(told), state })
  }
  return [...streams.values()]
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

export function leaves(value: unknown, path = ''): [path: string, json: string][] {
  if (value instanceof Map) return leaves(Object.fromEntries(value), path)
  if (value instanceof Set) return leaves([...value], path)
  if (typeof value !== 'object' || value === null) {
    return [[path || '.', typeof value === 'bigint' ? `${value}` : (JSON.stringify(value) ?? 'undefined')]]
  }
  const members = Object.entries(value)
  if (members.length === 0) return [[path || '.', Array.isArray(value) ? '[]' : '{}']]
  return members.flatMap(([key, member]) => leaves(member, path ? `${path}.${key}` : key))
}
