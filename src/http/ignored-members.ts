/**
 * Members of a body that its schema does not have. They have no effect, so that clients may be ahead of the contract; but
 * one of them may be a misspelling, and so the answer names them.
 */
import { z } from '@hono/zod-openapi'
import type { Exchange } from './environment.ts'
import { jsonPointer } from './json.ts'

/** Names of members, each with those inside it where it is an object of known members too. */
export type Members = ReadonlyMap<string, Members | undefined>

export const MEMBERS_HEADER = 'x-opslog-ignored-members'
/** Members that an answer names. */
const NAMED_MAX = 10

/** Members that are known of a schema which takes others too. */
const declared = new WeakMap<object, Members>()

/** What such a schema goes by inside, where nobody sees it. */
const hidden = new WeakMap<object, readonly z.ZodType[]>()

/**
 * The schema takes these members alone, whatever it lets pass: an answer names all others. `within`: the schemas that it goes
 * by inside.
 */
export function knowing<S extends z.ZodType>(schema: S, members: Members, within: readonly z.ZodType[] = []): S {
  declared.set(schema, members)
  hidden.set(schema, within)
  return schema
}

export const schemasWithin = (schema: z.ZodType): readonly z.ZodType[] => hidden.get(schema) ?? []

/** Undefined for what is no object, or takes members of any name. Looks through what stands around an object. */
export function membersOf(schema: unknown): Members | undefined {
  const known = typeof schema === 'object' && schema !== null ? declared.get(schema) : undefined
  if (known) return known
  if (schema instanceof z.ZodObject) {
    if (schema.def.catchall !== undefined) return undefined
    return new Map(Object.entries(schema.shape).map(([name, member]) => [name, membersOf(member)]))
  }
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return membersOf(schema.def.innerType)
  }
  return schema instanceof z.ZodPipe ? membersOf(schema.def.in) : undefined
}

/** Puts them on the answer as JSON pointers with percent-encoding, divided by commas. */
export function sayIgnoredMembers({ headers }: Pick<Exchange, 'headers'>, known: Members, value: unknown): void {
  const found: string[] = []
  const look = (members: Members, of: object, path: readonly string[]) => {
    for (const [name, member] of Object.entries(of)) {
      if (found.length >= NAMED_MAX) return
      if (!members.has(name)) found.push(encodeURI(jsonPointer([...path, name])).replaceAll(',', '%2C'))
      const inner = members.get(name)
      if (inner && typeof member === 'object' && member !== null) look(inner, member, [...path, name])
    }
  }
  if (typeof value === 'object' && value !== null) look(known, value, [])
  if (found.length > 0) headers[MEMBERS_HEADER] = found.join(', ')
}
