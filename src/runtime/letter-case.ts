/** Facts are named in camel case, columns and the members of requests in snake case: the way from one to the other. */

/** `globalUserId` → `global_user_id`. */
export type Snake<Name extends string, Done extends string = ''> = Name extends `${infer First}${infer Rest}`
  ? Snake<Rest, `${Done}${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}`>
  : Done
/** `global_user_id` → `globalUserId`. */
export type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name

export type SnakeCased<Facts> = { [Name in keyof Facts & string as Snake<Name>]: Facts[Name] }
export type CamelCased<Members> = { [Name in keyof Members & string as Camel<Name>]: Members[Name] }

export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
export const camelCase = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** The same value with the names of all its members in snake case, at every depth. */
export function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [snakeCase(name), inSnakeCase(member)]))
}

/** The same value with the names of all its members in camel case, at every depth. */
export function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inCamelCase)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [camelCase(name), inCamelCase(member)]))
}

/** More names than all events have together; beyond that they are made anew each time. */
const NAMES_MAX = 10_000

/** The same values, each under its name in snake case: all of them, or those that are named. What they hold stays as it is. */
export function snake<Facts extends object>(facts: Facts): SnakeCased<Facts>
export function snake<Facts extends object, Name extends keyof Facts & string>(
  facts: Facts,
  ...names: Name[]
): SnakeCased<Pick<Facts, Name>>
export function snake(facts: Readonly<Record<string, unknown>>, ...names: string[]): Record<string, unknown> {
  return renamed(facts, names, snakeNameOf)
}

/** The same values, each under its name in camel case: all of them, or those that are named. What they hold stays as it is. */
export function camel<Members extends object>(members: Members): CamelCased<Members>
export function camel<Members extends object, Name extends keyof Members & string>(
  members: Members,
  ...names: Name[]
): CamelCased<Pick<Members, Name>>
export function camel(members: Readonly<Record<string, unknown>>, ...names: string[]): Record<string, unknown> {
  return renamed(members, names, camelCase)
}

function renamed(
  values: Readonly<Record<string, unknown>>,
  names: readonly string[],
  nameOf: (name: string) => string,
): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const name of names.length > 0 ? names : Object.keys(values)) result[nameOf(name)] = values[name]
  return result
}

const snakeNames = new Map<string, string>()

/** `accountId` → `account_id`; kept, since handlers ask for the same names with every event. */
export function snakeNameOf(name: string): string {
  const known = snakeNames.get(name)
  if (known !== undefined) return known
  const made = snakeCase(name)
  if (snakeNames.size < NAMES_MAX) snakeNames.set(name, made)
  return made
}
