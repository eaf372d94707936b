/**
 * Requests that nobody sends in good faith, and those that somebody might: made from an operation's own document, whole
 * or with one thing wrong. What a request refers to stands as `«name:n»` until it is sent, when an id that an operator
 * has, another's, or nobody's takes its place.
 */
import fc from 'fast-check'
import type { Parameter, Schema, ServedOperation } from './served-contract.ts'

export type Kind =
  | 'as documented'
  | 'one value off'
  | 'a member missing'
  | 'members that nobody knows'
  | 'NUL or half a character'
  | 'a key twice'
  | 'a body that is no JSON object'
  | 'another content type'
  | 'no authentication'
  | 'a wrong key'
  | 'no scope'
  | 'unknown ids'
  | 'foreign ids'

export interface HostileRequest {
  kind: Kind
  /** Which of an operator's accounts, with what belongs to it, the references mean. */
  pick: number
  path: Record<string, string>
  query: Record<string, string>
  headers: Record<string, string>
  /** The body as JSON, or whatever is sent instead; undefined: none. */
  body: string | undefined
}

const reference = (name: string) => fc.nat(999).map((n) => `«${name}:${n}»`)
const text = (lengthMax: number) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.string({ minLength: 1, maxLength: Math.min(lengthMax, 24) }) },
    { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: Math.min(lengthMax, 60), unit: 'grapheme' }) },
    { weight: 1, arbitrary: fc.constantFrom(lengthMax - 1, lengthMax, lengthMax + 1).map((n) => 'x'.repeat(n)) },
  )
const time = fc
  .date({ min: new Date('2026-01-05T00:00:00Z'), max: new Date('2026-01-06T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString())
const amount = fc.oneof(
  fc.constantFrom('1', '10.00', '25', '0.01', '100000', '1e3', '-5', '0', '9007199254740993', '1'.repeat(41), '0.001'),
  fc.integer({ min: 1, max: 100_000 }),
)

/** What a member's or a parameter's name says beyond its schema. */
const byName: Record<string, fc.Arbitrary<unknown>> = {
  currency: fc.constantFrom('USD', 'EUR', 'JPY', 'XXX'),
  external_id: reference('external_user_id'),
  requested_route: fc.constantFrom('/terminal', 'backtest', '//evil.example', 'javascript:alert(1)', '/a?b#c'),
  return_url: fc.constantFrom('https://acme.example/back', 'http://127.0.0.1/', 'data:text/html,x', null),
  limit: fc.constantFrom('1', '50', '200', '0', '201', '-1', '9223372036854775808'),
  slug: fc.nat(500).map((n) => `slug-${n}`),
}

/** Whether it is the name of the key under which a request is answered once and for all. */
export const isKey = (name: string): boolean => /^idempotency[-_]key$/i.test(name)

/** Whether a parameter or member names something that exists, or does not. */
export const isReference = ({ aliases }: ServedOperation, name: string, schema: Schema): boolean =>
  schema.format === 'uuid' || name in aliases || /^external_((account|user)_)?id$/.test(name)

function arbitraryOf(operation: ServedOperation, name: string, given: Schema): fc.Arbitrary<unknown> {
  const schema = operation.resolve(given)
  const known = isKey(name) ? reference(name) : byName[name]
  if (known) return known
  if (isReference(operation, name, schema)) return reference(operation.aliases[name] ?? name)
  const likely = operation.texts[name]
  if (likely && schema.type === 'string') return fc.constantFrom(...likely)
  if (Array.isArray(schema.anyOf)) return fc.oneof(...schema.anyOf.map((each) => arbitraryOf(operation, name, each)))
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum)
  const types = [schema.type].flat() as string[]
  if (schema.pattern !== undefined && types.includes('number')) return amount
  if (schema.format === 'date-time') return time
  if (schema.format === 'email') return fc.emailAddress()
  if (types.includes('object')) return objectOf(operation, schema)
  if (types.includes('array')) {
    return fc.array(arbitraryOf(operation, name, (schema.items ?? {}) as Schema), { maxLength: 3 })
  }
  if (types.includes('boolean')) return fc.boolean()
  if (types.includes('integer')) return fc.constantFrom(0, 1, 7, 200, -1, 2_147_483_647, 2_147_483_648)
  if (types.includes('null') && types.length === 1) return fc.constant(null)
  if (types.includes('string')) return text(typeof schema.maxLength === 'number' ? schema.maxLength : 255)
  return fc.jsonValue({ maxDepth: 2 })
}

function objectOf(operation: ServedOperation, schema: Schema): fc.Arbitrary<Record<string, unknown>> {
  const members = Object.entries((schema.properties ?? {}) as Record<string, Schema>)
  const required = (schema.required ?? []) as string[]
  const model = Object.fromEntries(members.map(([name, member]) => [name, arbitraryOf(operation, name, member)]))
  return recordOf(model, required)
}

/** A record with every optional member now and then, and just as often with none: few contradict each other. */
function recordOf<T>(model: Record<string, fc.Arbitrary<T>>, required: string[]): fc.Arbitrary<Record<string, T>> {
  const least = Object.fromEntries(Object.entries(model).filter(([name]) => required.includes(name)))
  return fc.oneof(fc.record(least), fc.record(model, { requiredKeys: required })) as fc.Arbitrary<Record<string, T>>
}

/** Values that no honest program sends in place of another; each is JSON as it stands in the text. */
const offValue = fc.constantFrom(
  'null',
  'true',
  '{}',
  '[]',
  '[[]]',
  '""',
  '" "',
  '-1',
  '0.1',
  '1e400',
  '-0',
  '9007199254740993',
  '9223372036854775808',
  '"9007199254740993"',
  '"1e999999999"',
  '"NaN"',
  '"Infinity"',
  '"0x10"',
  '"1,5"',
  '"not-a-uuid"',
  '"2026-02-30T00:00:00Z"',
  '"0000-01-01T00:00:00Z"',
  '"9999-12-31T23:59:59.999Z"',
  '"\'; DROP TABLE opslog_checkpoints; --"',
  '"../../etc/passwd"',
  '"\\u202e\\ufeff"',
  `"${'x'.repeat(256)}"`,
  `"${'é'.repeat(255)}"`,
  `"${'😀'.repeat(256)}"`,
  `"${'x'.repeat(5_001)}"`,
  `"${'9'.repeat(400)}"`,
)
const unreadableText = fc.constantFrom('a\\u0000b', '\\ud800', '\\udc00x', 'x\\udbff')
const noObject = fc.constantFrom('', '[]', 'null', '7', '"x"', '{', '{"a":}', "{'a':1}", '{"__proto__":{"a":1}}')
const contentType = fc.constantFrom(
  'text/plain',
  'application/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
)

const stringify = (members: Record<string, string>): string =>
  `{${Object.entries(members)
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`)
    .join(',')}}`

/** A client sends a header's text as bytes, and of those only visible ones. */
const sendable = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, text.replaceAll(/[^!-~«»]/gu, '~')]))

type Parts = Omit<HostileRequest, 'kind' | 'body'> & { members: Record<string, string> | undefined }

function partsOf(operation: ServedOperation): fc.Arbitrary<Parts> {
  const texts = (parameters: readonly Parameter[]): fc.Arbitrary<Record<string, string>> =>
    recordOf(
      Object.fromEntries(
        parameters.map((each) => [
          each.name,
          arbitraryOf(operation, each.name, each.schema).map((value) => `${value}`),
        ]),
      ),
      parameters.filter(({ required }) => required).map(({ name }) => name),
    )
  const within = (place: Parameter['in']) => operation.parameters.filter((each) => each.in === place)
  const members = operation.body
    ? objectOf(operation, operation.resolve(operation.body)).map((body) =>
        Object.fromEntries(Object.entries(body).map(([name, value]) => [name, JSON.stringify(value)])),
      )
    : fc.constant(undefined)
  return fc.record({
    pick: fc.nat(3),
    path: texts(within('path')),
    query: texts(within('query')),
    headers: texts(within('header')).map(sendable),
    members,
  })
}

/** Requests to an operation, of every kind that makes sense for it. */
export function hostileRequests(
  operation: ServedOperation,
  { isSigned, isScoped }: { isSigned: boolean; isScoped: boolean },
): fc.Arbitrary<HostileRequest> {
  const parts = partsOf(operation)
  const whole = (kind: Kind) =>
    parts.map(({ members, ...rest }) => ({ kind, ...rest, body: members && stringify(members) }))
  const changed = <T>(
    kind: Kind,
    by: fc.Arbitrary<T>,
    change: (members: Record<string, string>, with_: T, pick: number) => string,
  ) =>
    fc.tuple(parts, by, fc.nat()).map(([{ members = {}, ...rest }, with_, pick]) => ({
      kind,
      ...rest,
      body: change(members, with_, pick),
    }))
  const named = (members: Record<string, string>, pick: number): string => {
    const names = Object.keys(operation.resolve(operation.body ?? {}).properties ?? members)
    return names[pick % names.length] ?? 'x'
  }
  const queryOff = fc
    .tuple(whole('one value off'), fc.string({ maxLength: 40 }), fc.nat())
    .map(([request, value, pick]) => {
      const places = operation.parameters.filter((each) => each.in !== 'header')
      const place = places[pick % places.length]
      if (!place) return request
      const of = place.in === 'path' ? 'path' : 'query'
      return { ...request, [of]: { ...request[of], [place.name]: value } }
    })
  const kinds: fc.WeightedArbitrary<HostileRequest>[] = [
    { weight: 6, arbitrary: whole('as documented') },
    { weight: 2, arbitrary: queryOff },
  ]
  if (isSigned) {
    kinds.push({ weight: 2, arbitrary: whole('no authentication') }, { weight: 1, arbitrary: whole('a wrong key') })
  }
  if (isScoped) kinds.push({ weight: 2, arbitrary: whole('no scope') })
  if (operation.parameters.some(({ name, schema }) => isReference(operation, name, schema))) {
    kinds.push({ weight: 3, arbitrary: whole('unknown ids') }, { weight: 3, arbitrary: whole('foreign ids') })
  }
  if (operation.body) {
    kinds.push(
      {
        weight: 8,
        arbitrary: changed('one value off', offValue, (of, value, n) => stringify({ ...of, [named(of, n)]: value })),
      },
      {
        weight: 2,
        arbitrary: changed('a member missing', fc.constant(0), (of, _, n) => {
          const { [named(of, n)]: _left, ...rest } = of
          return stringify(rest)
        }),
      },
      {
        weight: 1,
        arbitrary: changed('members that nobody knows', fc.jsonValue({ maxDepth: 2 }), (of, value) =>
          stringify({ ...of, operator_id: '"x"', constructor: JSON.stringify(value), 'a/b~c': '{"$ne":null}' }),
        ),
      },
      {
        weight: 2,
        arbitrary: changed('NUL or half a character', unreadableText, (of, value, n) =>
          stringify({ ...of, [named(of, n)]: `"${value}"` }),
        ),
      },
      {
        weight: 1,
        arbitrary: changed('a key twice', offValue, (of, value, n) =>
          stringify({ ...of, [named(of, n)]: value }).replace(/\}$/, `,${JSON.stringify(named(of, n))}:${value}}`),
        ),
      },
      { weight: 1, arbitrary: changed('a body that is no JSON object', noObject, (_, body) => body) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(whole('another content type'), contentType)
          .map(([request, type]) => ({ ...request, headers: { ...request.headers, 'content-type': type } })),
      },
    )
  }
  return fc.oneof(...kinds)
}
