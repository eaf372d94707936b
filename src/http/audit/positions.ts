/**
 * Positions in the log as readers see them. The log is everybody's, and a position is a number of bytes: it tells how much
 * all others have written. Who may not see everything is shown sealed text in its place, which says nothing and is good
 * as a moment (`at`, `diffFrom`).
 */
import { sentenceOf } from '../../audit/sentences.ts'
import type { Change } from '../../audit/state.ts'
import type { DescribedEvent } from '../../audit/timeline.ts'
import { eventView } from '../../audit/view.ts'
import type { Sealer } from '../cursor.ts'
import { ALL_OPERATORS, type Auditor, type AuditParts } from './access.ts'

export interface Reader {
  principal: Pick<Auditor, 'operatorId'>
  sealer: Sealer
}

export const seesEverything = ({ operatorId }: Pick<Auditor, 'operatorId'>): boolean => operatorId === ALL_OPERATORS

export const shownPosition = ({ principal, sealer }: Reader, at: bigint): string =>
  seesEverything(principal) ? `${at}` : sealer.sealPosition(at)

/** Null where nothing was read. */
export const shownEnd = (reader: Reader, last: bigint | undefined): string | null =>
  last === undefined ? null : shownPosition(reader, last)

/** Members of events and states that say where something stands in what all share: the log, and the command stream. */
const MEMBERS = ['upTo', 'countedUpTo', 'sourcePosition', 'streamSequence']
/** Of readings: a moment, where it is a position and no time. */
const MOMENTS = ['at', 'diffFrom']
const READING = 'audit.'
const POSITION = /^\d{1,19}$/

const membersIn = (name: string): string[] => (name.startsWith(READING) ? [...MEMBERS, ...MOMENTS] : MEMBERS)

/**
 * The value with each such position in it as the reader is shown it, at any depth. `name`: the stream or the type
 * that it is of.
 */
export function withoutPositions(reader: Reader, name: string, value: unknown): unknown {
  if (seesEverything(reader.principal)) return value
  const members = membersIn(name)
  const shown = (of: unknown, key: string): unknown => {
    if (typeof of === 'string')
      return members.includes(key) && POSITION.test(of) ? shownPosition(reader, BigInt(of)) : of
    if (Array.isArray(of)) return of.map((each) => shown(each, key))
    if (typeof of !== 'object' || of === null) return of
    return Object.fromEntries(Object.entries(of).map(([inner, member]) => [inner, shown(member, inner)]))
  }
  return shown(value, '')
}

/** An event as the reader is shown it: its own place, and those that it speaks of. */
export function shownEvent(reader: Reader & Pick<AuditParts, 'log'>, described: DescribedEvent) {
  const view = { ...eventView(described), position: shownPosition(reader, described.raw.position) }
  if (seesEverything(reader.principal) || described.fault !== undefined) return view
  const data = withoutPositions(reader, view.type, view.data) as typeof view.data
  return { ...view, data, sentence: sentenceOf({ ...described.event, data }, reader.log.registry.sentences) }
}

/** A difference of two states, whose values are JSON. */
export function shownChange(reader: Reader, { stream, path, before, after }: Change) {
  const member = path.slice(path.lastIndexOf('.') + 1)
  const shown = (json: string | undefined): string | null => {
    const [, position] = /^"?(\d{1,19})"?$/.exec(json ?? '') ?? []
    const isHidden = position !== undefined && !seesEverything(reader.principal) && membersIn(stream).includes(member)
    return isHidden ? JSON.stringify(shownPosition(reader, BigInt(position))) : (json ?? null)
  }
  return { stream, path, before: shown(before), after: shown(after) }
}
