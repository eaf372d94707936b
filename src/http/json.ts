/**
 * JSON as a request may bring it. JSON.parse alone takes any depth, lets the last of two equal keys win, and rounds numbers.
 * It passes NUL and lone surrogates on to stores that cannot hold them. Here each of these is an error that says where.
 */
import { randomUUID } from 'node:crypto'
import { isExact, SAFE_DIGITS } from '../runtime/exact-number.ts'

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
 * A number that a double cannot hold exactly, as it was written. A schema that takes decimals reads the text; any other schema
 * refuses it. Made by `inexact`.
 */
export abstract class InexactNumber {
  abstract readonly source: string
  /** Two numbers with other digits are not the same request. */
  toJSON(): object {
    return { source: this.source }
  }
}

/** For `typeof` it is a function: schemas of objects ask for no more, and those whose members may all be absent would take it. */
export const inexact = (source: string): InexactNumber =>
  Object.setPrototypeOf(
    Object.assign(() => source, { source }),
    InexactNumber.prototype,
  )

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

export interface JsonLimits {
  /** Levels of objects and arrays. */
  depthMax: number
  /** Strings, numbers and punctuation marks: what costs time, in a text of whatever length. */
  tokensMax: number
}

/**
 * The value, of a text within the limits. A member of this name comes with its text, as a JsonSource. Throws MalformedJson.
 */
export const parseJson = (bytes: Uint8Array, limits: JsonLimits, verbatim?: string): unknown =>
  parseJsonText(decodeUtf8(bytes), limits, verbatim)

/** The same of a text that came as one. */
export function parseJsonText(text: string, limits: JsonLimits, verbatim?: string): unknown {
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

const exactly = (value: number, source: string): number | InexactNumber =>
  isExact(source, value) ? value : inexact(source)

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

/** The characters that matter outside of strings, by their codes. */
const [QUOTE, COMMA, COLON] = ['"', ',', ':'].map((mark) => mark.charCodeAt(0)) as [number, number, number]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
const [ZERO, NINE, POINT] = [0x30, 0x39, 0x2e]
/** By code: whether a token begins with it. */
const IS_TOKEN = Uint8Array.from({ length: CLOSE_OBJECT + 1 }, (_, code) =>
  /["{}[\],:\d]/.test(String.fromCharCode(code)) ? 1 : 0,
)
/** By code: whether it stands in a number that has an exponent, beside digits and a point. */
const IS_EXPONENT = Uint8Array.from({ length: CLOSE_OBJECT + 1 }, (_, code) =>
  /[eE+-]/.test(String.fromCharCode(code)) ? 1 : 0,
)

/**
 * One pass over the text, without recursion, before anything is built from it: depth, repeated keys, `__proto__` and
 * text that cannot be stored. Whether it is valid JSON at all is left to the parser. True where a double holds every number as
 * it is written. Code by code: an expression over the text costs five times as much.
 */
function inspect(text: string, { depthMax, tokensMax }: JsonLimits, span: Span): boolean {
  let plain = true
  let tokens = 0
  const levels: Level[] = []
  let level: Level | undefined
  let awaitsKey = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > CLOSE_OBJECT || IS_TOKEN[code] === 0) continue
    if (++tokens > tokensMax)
      throw new MalformedJson(`The body has more than ${tokensMax} values and punctuation marks.`)
    if (code >= ZERO && code <= NINE) {
      const from = at
      const end = endOfDigits(text, from)
      const hasFew = end - from <= SAFE_DIGITS && !isExponent(text, end)
      at = (hasFew ? end : endOfNumber(text, end)) - 1
      plain &&= hasFew || isExact(text.slice(from, at + 1))
    } else if (code === COMMA) {
      if (levels.length === 1) endSpan(span, at)
      if (level && typeof level.at === 'number') level.at += 1
      awaitsKey = level?.keys !== undefined
    } else if (code === QUOTE) {
      const end = endOfString(text, at)
      const content = contentOf(text.slice(at, end))
      if (awaitsKey && level?.keys) takeKey(level, content, levels)
      refuseUnstorable(content, levels)
      at = end - 1
    } else if (code === COLON) {
      if (levels.length === 1 && level?.keys && level.at === span.of) span.from = at + 1
      awaitsKey = false
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      if (levels.length >= depthMax) throw new MalformedJson(`The body is nested deeper than ${depthMax} levels.`)
      awaitsKey = code === OPEN_OBJECT
      level = awaitsKey ? { keys: new Set(), at: '' } : { keys: undefined, at: 0 }
      levels.push(level)
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      if (levels.length === 1) endSpan(span, at)
      levels.pop()
      level = levels.at(-1)
      awaitsKey = false
    }
  }
  return plain
}

/** The index after the digits and points of a number; all else in it is for the parser to judge. */
function endOfDigits(text: string, start: number): number {
  let at = start
  for (let code = text.charCodeAt(at); (code >= ZERO && code <= NINE) || code === POINT; code = text.charCodeAt(at))
    at++
  return at
}

/** What is read beyond the text's end is no number, and so no exponent. */
const isExponent = (text: string, at: number): boolean => IS_EXPONENT[text.charCodeAt(at)] === 1

function endOfNumber(text: string, start: number): number {
  let at = start
  while (isExponent(text, at)) at = endOfDigits(text, at + 1)
  return at
}

function endSpan(span: Span, at: number): void {
  if (span.from !== -1 && span.to === -1) span.to = at
}

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
