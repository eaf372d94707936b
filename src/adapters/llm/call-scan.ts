/**
 * What governance has to know of a request to a model before anything is decided, read in one pass over its bytes: model, tools,
 * limits on output, and how many tokens the prompt can be at most.
 */
import { type Counted, uncounted } from '../../runtime/counted.ts'
import { CELL, keyText, readTape, readTapeInSlices, SIZE } from './json-tape.ts'
import { MalformedTape } from './json-tokens.ts'
import { JsonValue, rootOf } from './json-value.ts'
import { type PromptSize, promptSizeOf } from './prompt-size.ts'

/** OpenAI's chat completions, or Anthropic's messages. */
export type Format = 'openai' | 'anthropic'

export interface ScanLimits {
  depthMax: number
  /** Keys and values together. */
  valuesMax: number
  toolsMax: number
  messagesMax: number
}

export interface ScanOptions extends ScanLimits {
  /** Outermost members whose names begin so, in small letters, are ours, and no provider gets them. */
  ownPrefix?: string
}

export const scanLimits: ScanLimits = { depthMax: 128, valuesMax: 250_000, toolsMax: 1_024, messagesMax: 10_000 }

/** A request that cannot be read as one of its format; the client's error 400 says why. */
export class UnreadableCall extends Error {
  override name = 'UnreadableCall'
  /** The member at fault, as OpenAI's errors name it. */
  readonly param: string | undefined
  constructor(message: string, param?: string) {
    super(message)
    this.param = param
  }
}

export interface Member {
  key: string
  keyStart: number
  value: JsonValue
  /** For us, and not for the provider. */
  isOwn: boolean
}

export interface CallScan {
  format: Format
  bytes: Buffer
  root: JsonValue
  /** The outermost object's members, in their order. */
  members: Member[]
  model: string | undefined
  isStream: boolean
  /** OpenAI: whether the client asks for usage at the end of a stream. */
  wantsUsage: boolean
  /** Every tool that the request names, hosted ones by their type, each once. */
  tools: string[]
  /** The output that was asked for, in tokens per choice; undefined: no limit was given. */
  maxOutputTokens: number | undefined
  /** Choices: OpenAI's `n`, else 1. */
  choices: number
  /** Anthropic: tokens for thinking, below which the output cannot be limited. */
  thinkingTokens: number | undefined
  /** How long the prompt may be kept in the provider's cache at the client's wish. */
  cacheControl: 'none' | '5m' | '1h'
  prompt: PromptSize
  /** Our own members, by their names in small letters. */
  governance: Map<string, JsonValue>
}

const CACHE_CONTROL = 'cache_control'
/** Up to this size a body is read in one go. */
const AT_ONCE_BYTES = 262_144

/** Reads a request. It gives way to others where the body is long. Rejects with UnreadableCall. */
export async function scanCall(
  bytes: Buffer,
  format: Format,
  options: ScanOptions = scanLimits,
  counted: Counted = uncounted,
): Promise<CallScan> {
  if (bytes.length <= AT_ONCE_BYTES) return counted(() => scanCallNow(bytes, format, options))
  const tape = await readTapeInSlices(bytes, options, counted).catch(refuse)
  return counted(() => interpret(rootOf(tape), format, options))
}

/** As scanCall, in one go. Throws UnreadableCall. */
export function scanCallNow(bytes: Buffer, format: Format, options: ScanOptions = scanLimits): CallScan {
  try {
    return interpret(rootOf(readTape(bytes, options)), format, options)
  } catch (error) {
    return refuse(error)
  }
}

function refuse(error: unknown): never {
  if (error instanceof MalformedTape) throw new UnreadableCall(error.message)
  throw error
}

function interpret(root: JsonValue, format: Format, { ownPrefix, ...limits }: ScanOptions): CallScan {
  if (root.kind !== 'object') throw new UnreadableCall('The body has to be a JSON object.')
  const isOwn = ownedBy(ownPrefix)
  const members = root.entries().map((member) => ({ ...member, isOwn: isOwn(member.key) }))
  const byKey = new Map(members.map(({ key, value }) => [key, value]))
  /** `null` is what clients send for what they leave out. */
  const given = (key: string): JsonValue | undefined => {
    const value = byKey.get(key)
    return value === undefined || value.isNull ? undefined : value
  }
  const messages = given('messages')
  if (messages && messages.kind !== 'array') throw new UnreadableCall('messages has to be an array.', 'messages')
  if (messages && messages.size > limits.messagesMax) {
    throw new UnreadableCall(`A request has at most ${limits.messagesMax} messages.`, 'messages')
  }
  return {
    ...{ format, root, members, bytes: root.tape.bytes },
    model: modelOf(given('model')),
    isStream: flagOf(given('stream'), 'stream'),
    wantsUsage: given('stream_options')?.get('include_usage')?.kind === 'true',
    tools: toolsOf(given, limits.toolsMax),
    maxOutputTokens: maxOutputOf(given, format),
    choices: format === 'openai' ? choicesOf(given('n')) : 1,
    thinkingTokens: format === 'anthropic' ? possible(given('thinking')?.get('budget_tokens')?.integer) : undefined,
    cacheControl: cacheControlOf(root),
    prompt: promptSizeOf(members),
    governance: new Map(members.flatMap(({ key, value, isOwn }) => (isOwn ? [[key.toLowerCase(), value]] : []))),
  }
}

const ownedBy =
  (prefix: string | undefined) =>
  (key: string): boolean =>
    prefix !== undefined && key.slice(0, prefix.length).toLowerCase() === prefix

/** Longer than the name of any model. */
const MODEL_LENGTH_MAX = 256

function modelOf(value: JsonValue | undefined): string | undefined {
  if (value === undefined) return undefined
  if (value.kind !== 'string' || value.size === 0 || value.size > MODEL_LENGTH_MAX) {
    throw new UnreadableCall(`model has to be a text of 1 to ${MODEL_LENGTH_MAX} bytes.`, 'model')
  }
  return keepable(value.text, 'model', 'model')
}

/** Names stand in events and in read models, which hold no NUL and no half of a surrogate pair; prompts do not. */
function keepable<Name extends string | undefined>(name: Name, what: string, param: string): Name {
  if (name === undefined || (name.isWellFormed() && !/\p{Cc}/u.test(name))) return name
  throw new UnreadableCall(`${what} must have no control characters and no half of a surrogate pair.`, param)
}

function flagOf(value: JsonValue | undefined, key: string): boolean {
  if (value === undefined || value.kind === 'false') return false
  if (value.kind === 'true') return true
  throw new UnreadableCall(`${key} has to be true or false.`, key)
}

function positive(value: JsonValue | undefined, key: string): number | undefined {
  if (value === undefined) return undefined
  const number = value.integer
  if (number === undefined || number < 1) throw new UnreadableCall(`${key} has to be a positive integer.`, key)
  return number
}

type Given = (key: string) => JsonValue | undefined

/** More than any provider gives; and so few that with `TOKENS_MAX` for each the sums of a desk stay exact. */
const CHOICES_MAX = 1_000

function choicesOf(value: JsonValue | undefined): number {
  const choices = positive(value, 'n') ?? 1
  if (choices > CHOICES_MAX) throw new UnreadableCall(`n has to be at most ${CHOICES_MAX}.`, 'n')
  return choices
}

/** More than any model answers: who asks for more is taken to ask for this, and the provider gets what was sent. */
const TOKENS_MAX = 1_000_000_000
const possible = (tokens: number | undefined): number | undefined =>
  tokens === undefined ? undefined : Math.min(tokens, TOKENS_MAX)

/** Where OpenAI's two names both stand, the greater one counts. */
function maxOutputOf(given: Given, format: Format): number | undefined {
  const old = possible(positive(given('max_tokens'), 'max_tokens'))
  if (format === 'anthropic') return old
  const current = possible(positive(given('max_completion_tokens'), 'max_completion_tokens'))
  return current === undefined ? old : Math.max(current, old ?? 0)
}

function toolsOf(given: Given, toolsMax: number): string[] {
  const names = new Set<string>()
  for (const list of ['tools', 'functions', 'mcp_servers']) {
    const tools = given(list)
    if (tools === undefined) continue
    if (tools.kind !== 'array') throw new UnreadableCall(`${list} has to be an array.`, list)
    if (tools.size > toolsMax) throw new UnreadableCall(`A request has at most ${toolsMax} ${list}.`, list)
    for (const tool of tools.items()) for (const name of namesOf(tool, list)) names.add(name)
  }
  // A search that is asked for without a tool is one all the same.
  if (given('web_search_options')) names.add('web_search')
  return [...names]
}

/** Longer than any provider takes; all tools of a request fit into the event that says why it was refused. */
const TOOL_NAME_MAX_BYTES = 200

/** A hosted tool goes by its type as well as by its name, so that a rule for either finds it. */
function namesOf(tool: JsonValue, list: string): string[] {
  const type = tool.get('type')?.text
  const own = tool.get('name')?.text
  const inner = type === undefined ? undefined : tool.get(type)?.get('name')?.text
  const nested = inner ?? tool.get('function')?.get('name')?.text ?? tool.get('custom')?.get('name')?.text
  const isHosted = list === 'tools' && type !== undefined && type !== 'function' && type !== 'custom'
  const names = [nested, own, isHosted ? type : undefined].filter((name) => name !== undefined)
  if (names.length === 0) throw new UnreadableCall(`A tool in ${list} has no name.`, list)
  if (names.some((name) => Buffer.byteLength(name) > TOOL_NAME_MAX_BYTES)) {
    throw new UnreadableCall(`The name of a tool in ${list} has at most ${TOOL_NAME_MAX_BYTES} bytes.`, list)
  }
  return names.map((name) => keepable(name, `The name of a tool in ${list}`, list))
}

/** Wherever in the body a `cache_control` stands: a property of a tool's schema that is called so only makes it dearer. */
function cacheControlOf({ tape }: JsonValue): CallScan['cacheControl'] {
  const { bytes, cells } = tape
  let found: CallScan['cacheControl'] = 'none'
  for (let index = 0; (index + 1) * CELL < cells.length; index++) {
    if (cells[index * CELL + SIZE] !== CACHE_CONTROL.length || bytes[cells[index * CELL]!] !== 0x22) continue
    if (keyText(bytes, cells, index) !== CACHE_CONTROL) continue
    const control = new JsonValue(tape, index + 1)
    if (control.kind !== 'object') continue
    if (control.get('ttl')?.text === '1h') return '1h'
    found = '5m'
  }
  return found
}
