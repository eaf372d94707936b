/** A chat completion as a request for Anthropic's messages. */
import type { CallScan } from './call-scan.ts'
import { JsonText, type Writable, writeJson } from './json-text.ts'
import { type JsonValue, readValue } from './json-value.ts'
import { given, refuseOthers, Untranslatable, words } from './untranslatable.ts'

export interface TranslationOptions {
  /** The model that is asked instead. */
  model: string
  /** The limit of output where it is set for the client, or cut. */
  maxOutputTokens?: number
  /** OpenAI: the member that sets the limit; default `max_completion_tokens`. */
  maxOutputName?: string
}

/** Anthropic has no answer without a limit. */
export const DEFAULT_MAX_TOKENS = 4_096

/** What is translated, and what concerns the account at OpenAI or how soon the answer is there, but not the answer. */
const KNOWN = words(`model messages max_tokens max_completion_tokens temperature top_p stop stream stream_options tools
  tool_choice parallel_tool_calls user n
  store metadata service_tier prompt_cache_key prompt_cache_retention safety_identifier prediction`)
/** As a whole body has them. */
const ARGUMENT_LIMITS = { depthMax: 128, valuesMax: 250_000 }
/** They become another text, all of them at once. */
export const ARGUMENTS_MAX_BYTES = 1_048_576
export const tooLong = () =>
  new Untranslatable(`arguments of more than ${ARGUMENTS_MAX_BYTES} bytes have no counterpart`)
/** Longer than any provider makes. */
const ID_MAX_BYTES = 1_024

/** In pieces one after the other. Throws Untranslatable. */
export function requestToAnthropic(scan: CallScan, options: TranslationOptions): Buffer[] {
  const { root } = scan
  refuseUnknown(scan)
  const member = (key: string) => given(root.get(key))
  const { system, messages } = turnsOf(member('messages'))
  const body: Writable = {
    model: options.model,
    max_tokens: options.maxOutputTokens ?? scan.maxOutputTokens ?? DEFAULT_MAX_TOKENS,
    system: system.length === 0 ? undefined : system,
    messages,
    temperature: temperatureOf(member('temperature')),
    top_p: member('top_p'),
    stop_sequences: stopsOf(member('stop')),
    stream: scan.isStream ? true : undefined,
    ...toolsOf(member('tools'), member('tool_choice'), member('parallel_tool_calls')),
    metadata: member('user') && { user_id: member('user') },
  }
  return writeJson(body)
}

function refuseUnknown({ root, choices, members }: CallScan): void {
  if (choices > 1) throw new Untranslatable('n above 1 has no counterpart')
  const form = given(root.get('response_format'))?.get('type')?.text
  if (form !== undefined && form !== 'text') throw new Untranslatable(`response_format ${form} has no counterpart`)
  const modalities = given(root.get('modalities'))?.items() ?? []
  if (modalities.some(({ text }) => text !== 'text'))
    throw new Untranslatable('modalities beside text have no counterpart')
  const own = members.filter(({ isOwn }) => isOwn).map(({ key }) => key)
  refuseOthers(root, new Set([...KNOWN, ...own, 'response_format', 'modalities']), 'the member')
}

/** Anthropic takes 0 to 1, OpenAI up to 2. */
const temperatureOf = (value: JsonValue | undefined): Writable =>
  value?.kind === 'number' && Number(value.source) > 1 ? 1 : value

const stopsOf = (value: JsonValue | undefined): Writable => {
  if (value === undefined) return undefined
  return value.kind === 'string' ? [value] : value
}

function toolsOf(tools: JsonValue | undefined, choice: JsonValue | undefined, parallel: JsonValue | undefined) {
  if (!tools || tools.size === 0) return {}
  const isSingle = parallel?.kind === 'false' ? true : undefined
  return { tools: tools.items().map(toolOf), tool_choice: choiceOf(choice, isSingle) }
}

function toolOf(tool: JsonValue): Writable {
  const type = tool.get('type')?.text
  const called = tool.get('function')
  if (type !== 'function' || !called) throw new Untranslatable(`the tool type ${type ?? ''} has no counterpart`)
  refuseOthers(called, words('name description parameters strict'), 'a function’s')
  return {
    name: called.get('name'),
    description: given(called.get('description')),
    input_schema: given(called.get('parameters')) ?? { type: 'object', properties: {} },
    strict: called.get('strict')?.kind === 'true' ? true : undefined,
  }
}

function choiceOf(choice: JsonValue | undefined, isSingle: true | undefined): Writable {
  const word = choice?.text ?? choice?.get('type')?.text ?? 'auto'
  const disable_parallel_tool_use = isSingle
  if (word === 'none') return { type: 'none' }
  if (word === 'required') return { type: 'any', disable_parallel_tool_use }
  if (word === 'function')
    return { type: 'tool', name: choice?.get('function')?.get('name'), disable_parallel_tool_use }
  if (word !== 'auto') throw new Untranslatable(`tool_choice ${word} has no counterpart`)
  return choice || isSingle ? { type: 'auto', disable_parallel_tool_use } : undefined
}

interface Turn {
  role: 'user' | 'assistant'
  content: Writable[]
}

/** Turns alternate: what follows with the same role is one turn, and results of tools stand before the user's text. */
function turnsOf(list: JsonValue | undefined): { system: Writable[]; messages: Writable[] } {
  const system: Writable[] = []
  const turns: Turn[] = []
  const add = (role: Turn['role'], content: Writable[]) => {
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...content)
    else if (content.length > 0) turns.push({ role, content })
  }
  for (const message of list?.items() ?? []) {
    const role = message.get('role')?.text
    if (role === 'system' || role === 'developer') system.push(...textParts(message))
    else if (role === 'user') add('user', userParts(message))
    else if (role === 'assistant') add('assistant', assistantParts(message))
    else if (role === 'tool') add('user', [toolResult(message)])
    else throw new Untranslatable(`the role ${role ?? ''} has no counterpart`)
  }
  return { system, messages: turns.map(({ role, content }) => ({ role, content })) }
}

/** A text or the text parts of a message; texts without a character are none to Anthropic. */
function textParts(message: JsonValue): Writable[] {
  refuseOthers(message, words('role content'), 'a message’s')
  return partsOf(given(message.get('content')), 'text')
}

function userParts(message: JsonValue): Writable[] {
  refuseOthers(message, words('role content'), 'a message’s')
  return partsOf(given(message.get('content')), 'any')
}

function partsOf(content: JsonValue | undefined, kinds: 'text' | 'any'): Writable[] {
  if (content === undefined) return []
  if (content.kind === 'string') return content.size === 0 ? [] : [{ type: 'text', text: content }]
  return content.items().flatMap((part) => {
    const type = part.get('type')?.text
    if (type === 'text') return part.get('text')?.size === 0 ? [] : [{ type: 'text', text: part.get('text') }]
    if (type === 'refusal') return [{ type: 'text', text: part.get('refusal') }]
    if (type === 'image_url' && kinds === 'any') return [picture(part.get('image_url'))]
    throw new Untranslatable(`a part of type ${type ?? ''} has no counterpart here`)
  })
}

/** At the beginning of a string as JSON has it, where a slash may be escaped. */
const PICTURES = /^"data:image\\?\/(png|jpeg|gif|webp);base64,(?!")/
const WEB = /^"https?:/
/** Enough to see of what sort a picture is. */
const HEAD_BYTES = 64

/** A picture may have 32 MiB, of which nothing but the beginning is looked at. */
function picture(image: JsonValue | undefined): Writable {
  const url = image?.get('url')
  const head = url?.kind === 'string' ? url.raw.toString('latin1', 0, HEAD_BYTES) : ''
  if (WEB.test(head)) return { type: 'image', source: { type: 'url', url } }
  const [start, kind] = PICTURES.exec(head) ?? []
  if (!url || start === undefined)
    throw new Untranslatable('a picture that is neither PNG, JPEG, GIF nor WebP has no counterpart')
  const data = new JsonText('"', url.raw.subarray(start.length))
  return { type: 'image', source: { type: 'base64', media_type: `image/${kind}`, data } }
}

function assistantParts(message: JsonValue): Writable[] {
  refuseOthers(message, words('role content refusal tool_calls'), 'an assistant’s')
  const refusal = given(message.get('refusal'))
  return [
    ...partsOf(given(message.get('content')), 'text'),
    ...(refusal ? [{ type: 'text', text: refusal }] : []),
    ...(given(message.get('tool_calls'))?.items() ?? []).map(toolUse),
  ]
}

function toolUse(call: JsonValue): Writable {
  const called = call.get('function')
  if (call.get('type')?.text !== 'function' || !called)
    throw new Untranslatable('a call of a custom tool has no counterpart')
  return {
    type: 'tool_use',
    id: safeId(call.get('id')),
    name: called.get('name'),
    input: new JsonText(inputText(called.get('arguments'))),
  }
}

/**
 * Arguments as the object that they are the text of, or are already: servers exist that leave them so. Its numbers stay as they
 * were written. Throws Untranslatable.
 */
export function inputText(called: JsonValue | undefined): string {
  const written = given(called)
  if (written === undefined) return '{}'
  const bytes = written.kind === 'string' ? written.size : written.end - written.start
  if (bytes > ARGUMENTS_MAX_BYTES) throw tooLong()
  const text = written.text ?? written.source
  if (text.trim() === '') return '{}'
  try {
    if (readValue(Buffer.from(text), ARGUMENT_LIMITS).kind === 'object') return text
  } catch {
    // What is no JSON is refused like what is no object.
  }
  throw new Untranslatable('arguments that are no JSON object have no counterpart')
}

function toolResult(message: JsonValue): Writable {
  refuseOthers(message, words('role content tool_call_id'), 'a tool’s')
  return {
    type: 'tool_result',
    tool_use_id: safeId(message.get('tool_call_id')),
    content: partsOf(given(message.get('content')), 'text'),
  }
}

/** Anthropic takes letters, digits, _ and - in ids: others become their code, so that two ids never become one. */
function safeId(id: JsonValue | undefined): string {
  if ((id?.size ?? 0) > ID_MAX_BYTES)
    throw new Untranslatable(`an id of more than ${ID_MAX_BYTES} bytes has no counterpart`)
  const written = id?.text ?? ''
  return written.replace(/[^A-Za-z0-9-]/g, (letter) =>
    letter === '_' ? letter : `_x${letter.charCodeAt(0).toString(16)}_`,
  )
}
