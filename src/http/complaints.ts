/**
 * What a schema has against a value, in words for the caller: what it must be, and nothing of the code that looked.
 * A schema's own message comes first; these are for all others.
 */
import type { z } from '@hono/zod-openapi'
import { InexactNumber } from './json.ts'

type Issue = Parameters<z.core.$ZodErrorMap>[0]

const KINDS: Readonly<Record<string, string>> = {
  string: 'must be text',
  int: 'must be a whole number',
  number: 'must be a number',
  boolean: 'must be true or false',
  array: 'must be a list',
  object: 'must be an object',
  record: 'must be an object',
  null: 'must be null',
}
const TOO_LONG = 'must be a number that 15 digits can hold'
const UNFIT = 'does not fit'

/** For zod, as the `error` of a parse. */
export const complaint = (issue: Issue): string => (issue.input === undefined ? 'is missing' : unfit(issue))

function unfit(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'number' && issue.input instanceof InexactNumber
        ? TOO_LONG
        : (KINDS[issue.expected] ?? UNFIT)
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`
    case 'too_big':
      return measured(issue.origin, 'at most', Number(issue.maximum))
    case 'too_small':
      return measured(issue.origin, 'at least', Number(issue.minimum))
    case 'invalid_format':
      return issue.pattern === undefined ? UNFIT : `must fit the pattern ${issue.pattern}`
    case 'unrecognized_keys':
      return `has members that nothing is known of: ${issue.keys.join(', ')}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'invalid_union':
      return inUnion(issue.errors)
    default:
      return UNFIT
  }
}

/**
 * An alternative that has nothing against the value but against what is in it is what is meant; else the first one is, and the
 * others are other ways to write it, or null.
 */
function inUnion(alternatives: readonly (readonly { path: PropertyKey[]; message: string }[])[]): string {
  const meant = alternatives.find((issues) => issues.length > 0 && issues.every(({ path }) => path.length > 0))
  const [inside] = meant ?? []
  if (inside) return `${inside.path.map(String).join('/')} ${inside.message}`
  return alternatives[0]?.find(({ path }) => path.length === 0)?.message ?? UNFIT
}

const UNITS: Readonly<Record<string, string>> = { string: 'characters', array: 'elements', set: 'elements' }

function measured(origin: string, bound: string, size: number): string {
  const unit = UNITS[origin]
  if (unit === undefined) return `must be ${bound} ${size}`
  return bound === 'at least' && size === 1 ? 'must not be empty' : `must have ${bound} ${size} ${unit}`
}
