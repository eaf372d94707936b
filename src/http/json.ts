/**
 * JSON as a request may bring it. JSON.parse alone takes any depth, lets the last of two equal keys win, and rounds numbers.
 * It passes NUL and lone surrogates on to stores that cannot hold them. Here each of these is an error that says where.
 */
import { randomUUID } from 'node:crypto'
import { Decimal } from 'decimal.js'

/** This API does not take the text as JSON. `pointer` (RFC 6901) says where, as far as that is known. */
export class MalformedJson extends Error {
  override name = 'MalformedJson'
  readonly pointer: string | undefined
  constructor(message: string, pointer?: string) {
    super(message)
    this.pointer = pointer
  }
}

/**
 * A number that a double cannot hold exactly, as it was written. A schema that takes decimals reads the text; any other
 * schema refuses it.
 */
export class InexactNumber {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

/** A mark that no text of a request can hold. */
const MARK = randomUUID()
let written: string[] = []

/** A value with the very text that it was read from, which an answer repeats to the last space. */
export class JsonSource {
  readonly value: unknown
  readonly source: string
  constructor(value: unknown, source: string) {
    this.value = value
    this.source = source
  }
  toJSON(): string {
    return `${MARK}${written.push(this.source) - 1}`
  }
}

const MARKED = new RegExp(`"${MARK}(\\d+)"`, 'g')

/** As JSON.stringify, with each JsonSource in its own text. */
export function jsonText(value: unknown): string {
  written = []
  const text = JSON.stringify(value)
  const sources = written
  return sources.length === 0 ? text : text.replace(MARKED, (_, at) => sources[Number(at)] ?? '')
}

const notJson = () => new MalformedJson('The body is not valid JSON.')

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Every double holds a number of this many digits as written. */
const SAFE_DIGITS = 15

export interface JsonLimits {
  /** Levels of objects and arrays. */
  depthMax: number
  /** Strings, numbers and punctuation marks: what costs time, in a text of whatever length. */
  tokensMax: number
}

/**
 * The value, of a text within the limits. A member of this name comes with its text, as a JsonSource. Throws MalformedJson.
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits, verbatim?: string): unknown {
  const text = decodeUtf8(bytes)
  const span = { of: verbatim, from: -1, to: -1 }
  const plain = inspect(text, limits, span)
  const value = parsed(text, plain)
  if (verbatim === undefined || span.to === -1) return value
  const members = value as Record<string, unknown>
  members[verbatim] = new JsonSource(members[verbatim], text.slice(span.from, span.to).trim())
  return members
}

function parsed(text: string, plain: boolean): unknown {
  try {
    if (plain) return JSON.parse(text)
    // The reviver's third argument carries the source text of primitives (ECMAScript, JSON.parse source text access).
    return JSON.parse(text, (_key, value, context?: { source?: string }) =>
      typeof value === 'number' && context?.source !== undefined ? exactly(value, context.source) : value,
    )
  } catch (error) {
    if (error instanceof SyntaxError) throw notJson()
    throw error
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new MalformedJson('The body is not valid UTF-8.')
  }
}

function exactly(value: number, source: string): number | InexactNumber {
  if (isShort(source)) return value
  const exact = Number.isFinite(value) && new Decimal(source).equals(new Decimal(value))
  return exact ? value : new InexactNumber(source)
}

interface Level {
  /** Keys seen so far; undefined in an array. */
  keys: Set<string> | undefined
  /** The key, or the index, of the member at hand. */
  at: string | number
}

/** Where the text of a member of the outermost object stands; `from` -1: not met, `to` -1: not ended. */
interface Span {
  of: string | undefined
  from: number
  to: number
}

/** What matters outside of strings, numbers but for their signs among it; all else there is for the parser to judge. */
const STRUCTURE = /["{}[\],:]|\d[\d.eE+-]*/g

/**
 * One pass over the text, without recursion, before anything is built from it: depth, repeated keys, `__proto__` and
 * text that cannot be stored. Whether it is valid JSON at all is left to the parser. True where every number is of so few
 * digits that a double holds it as written.
 */
function inspect(text: string, { depthMax, tokensMax }: JsonLimits, span: Span): boolean {
  let plain = true
  let tokens = 0
  const levels: Level[] = []
  let awaitsKey = false
  const structure = new RegExp(STRUCTURE)
  for (let found = structure.exec(text); found; found = structure.exec(text)) {
    if (++tokens > tokensMax)
      throw new MalformedJson(`The body has more than ${tokensMax} values and punctuation marks.`)
    const level = levels.at(-1)
    switch (found[0]) {
      case '{':
      case '[':
        if (levels.length >= depthMax) throw new MalformedJson(`The body is nested deeper than ${depthMax} levels.`)
        awaitsKey = found[0] === '{'
        levels.push(awaitsKey ? { keys: new Set(), at: '' } : { keys: undefined, at: 0 })
        break
      case '}':
      case ']':
        if (levels.length === 1) endSpan(span, found.index)
        levels.pop()
        awaitsKey = false
        break
      case ',':
        if (levels.length === 1) endSpan(span, found.index)
        if (level && typeof level.at === 'number') level.at += 1
        awaitsKey = level?.keys !== undefined
        break
      case ':':
        if (levels.length === 1 && level?.keys && level.at === span.of) span.from = found.index + 1
        awaitsKey = false
        break
      case '"': {
        const end = endOfString(text, found.index)
        const content = contentOf(text.slice(found.index, end))
        if (awaitsKey && level?.keys) takeKey(level, content, levels)
        refuseUnstorable(content, levels)
        structure.lastIndex = end
        break
      }
      default:
        plain &&= isShort(found[0])
    }
  }
  return plain
}

function endSpan(span: Span, at: number): void {
  if (span.from !== -1 && span.to === -1) span.to = at
}

/** Of so few digits, and so near to 1, that the double nearest to it is written the same. */
const isShort = (source: string): boolean => source.length <= SAFE_DIGITS && /^-?\d+(\.\d+)?$/.test(source)

/** The index after the closing quote of the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0
    while (text[quote - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return quote + 1
  }
  throw notJson()
}

function takeKey(level: Level, key: string, levels: readonly Level[]): void {
  level.at = key
  if (key === '__proto__') throw new MalformedJson('The key __proto__ is not allowed.', pointerTo(levels))
  if (level.keys?.has(key)) throw new MalformedJson('The key occurs twice in its object.', pointerTo(levels))
  level.keys?.add(key)
}

function refuseUnstorable(content: string, levels: readonly Level[]): void {
  if (content.includes('\0')) throw new MalformedJson('The text contains the character NUL.', pointerTo(levels))
  if (!content.isWellFormed()) throw new MalformedJson('The text contains half a surrogate pair.', pointerTo(levels))
}

function contentOf(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1)
  try {
    return JSON.parse(token) as string
  } catch {
    throw notJson()
  }
}

const pointerTo = (levels: readonly Level[]): string => jsonPointer(levels.map(({ at }) => at))

/** A path as a JSON pointer (RFC 6901): `['a/b', 0]` → `/a~1b/0`. */
export const jsonPointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
