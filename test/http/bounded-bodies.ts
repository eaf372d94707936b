/**
 * What of a body's schema is not bounded before its parts are looked at. Arrays and records are tried: one that is too long is
 * to be refused without any of its elements having been touched. Texts are tried too: none of 200,000 characters is taken.
 */
import type { z } from '@hono/zod-openapi'
import { schemasWithin } from '../../src/http/ignored-members.ts'

/** What of a schema's definition is walked. */
interface Definition {
  type: string
  element?: z.ZodType
  keyType?: z.ZodType
  valueType?: z.ZodType
  innerType?: z.ZodType
  in?: z.ZodType
  out?: z.ZodType
  left?: z.ZodType
  right?: z.ZodType
  options?: readonly z.ZodType[]
  items?: readonly z.ZodType[]
  rest?: z.ZodType | null
  shape?: Readonly<Record<string, z.ZodType>>
  catchall?: z.ZodType
  getter?: () => z.ZodType
  checks?: readonly unknown[]
}

const definitionOf = (schema: z.ZodType): Definition => schema._zod.def as unknown as Definition

/** More than any list, object or text of a body may have. */
const FAR_TOO_MANY = 200_000

/** Whether an element is touched of a list, or a member of an object, that is far too long; or whether that is taken. */
function touches(schema: z.ZodType, far: 'list' | 'object', mayTake = false): boolean {
  let touched = 0
  const watched = {
    get: (target: object, name: PropertyKey) => (/^\d+$/.test(String(name)) ? ++touched : Reflect.get(target, name)),
  }
  const many = far === 'list' ? Array.from({ length: FAR_TOO_MANY }, () => 0) : membersOf()
  const { success } = schema.safeParse(new Proxy(many, watched))
  return (success && !mayTake) || touched > 0
}

let members: Record<string, number> | undefined
function membersOf(): Record<string, number> {
  members ??= Object.fromEntries(Array.from({ length: FAR_TOO_MANY / 2 }, (_, n) => [String(n), 0]))
  return members
}

/** One of each sort of character, and what formats begin with. */
const CHARACTERS = ['x', 'X', '0', '-', ' ', '.', 'ü']
/** By length, then by schema: bodies share schemas, and texts may be long. */
const tried = new Map<number, { texts: string[]; taken: WeakMap<z.ZodType, boolean> }>()

function takesAnyLength(schema: z.ZodType, length: number): boolean {
  const at = tried.get(length) ?? { texts: CHARACTERS.map((each) => each.repeat(length)), taken: new WeakMap() }
  tried.set(length, at)
  const isTaken = at.taken.get(schema) ?? at.texts.some((each) => schema.safeParse(each).success)
  at.taken.set(schema, isTaken)
  return isTaken
}

/**
 * The places within the schema, by their members: `body.tags[]`. `textLength`: of a text that none may take; where a body may be
 * larger than usual, more than it has bytes.
 */
export function unboundedIn(schema: z.ZodType, textLength = FAR_TOO_MANY): string[] {
  const within = (inner: z.ZodType, place: string, open: ReadonlySet<z.ZodType>): string[] => {
    if (open.has(inner)) return []
    const opened = new Set([...open, inner])
    const walk = (next: z.ZodType | null | undefined, at = place) => (next ? within(next, at, opened) : [])
    const hidden = schemasWithin(inner).flatMap((next) => walk(next))
    return [...hidden, ...unboundedAt(inner, place, walk, textLength)]
  }
  return within(schema, 'body', new Set())
}

function unboundedAt(schema: z.ZodType, place: string, walk: Walk, textLength: number): string[] {
  const def = definitionOf(schema)
  switch (def.type) {
    case 'array':
      return [`${place}: a list`, ...walk(def.element, `${place}[]`)]
    case 'record':
      return [`${place}: a record`, ...walk(def.valueType, `${place}.*`)]
    case 'string':
      return takesAnyLength(schema, textLength) ? [`${place}: a text`] : []
    // What is taken as it comes may be of any length: a body's own bounds hold it. Its checks are a step like others.
    case 'any':
    case 'unknown':
    case 'custom':
      if (def.type !== 'custom' && !def.checks?.length) return []
      return (['list', 'object'] as const).flatMap((far) =>
        touches(schema, far, true) ? [`${place}: ${far === 'list' ? 'a list' : 'a record'}`] : [],
      )
    case 'pipe':
      return ofPipe(schema, def, place, walk)
    case 'object':
      return [
        ...Object.entries(def.shape ?? {}).flatMap(([name, member]) => walk(member, `${place}.${name}`)),
        ...walk(def.catchall, `${place}.*`),
      ]
    default:
      return [
        ...[def.innerType, def.left, def.right, def.rest, def.getter?.()].flatMap((inner) => walk(inner)),
        ...[...(def.options ?? []), ...(def.items ?? [])].flatMap((inner) => walk(inner)),
      ]
  }
}

type Walk = (inner: z.ZodType | null | undefined, at?: string) => string[]

/** A list or a record behind a step is bounded where the step, or another one before it, does that. */
function ofPipe(schema: z.ZodType, { in: before, out: after }: Definition, place: string, walk: Walk): string[] {
  const inner = after && definitionOf(after)
  if (inner?.type === 'array') {
    const fault = touches(schema, 'list') ? [`${place}: a list`] : []
    return [...fault, ...walk(inner.element, `${place}[]`)]
  }
  if (inner?.type === 'record') {
    const fault = touches(schema, 'object') ? [`${place}: a record`] : []
    return [...fault, ...walk(inner.valueType, `${place}.*`)]
  }
  return [...walk(before), ...walk(after)]
}
