/** A request for Anthropic's messages as a chat completion. */
import type { CallScan } from './call-scan.ts'
import { JsonText, type Writable, writeJson } from './json-text.ts'
import { innerOf, type JsonValue } from './json-value.ts'
import { ARGUMENTS_MAX_BYTES, type TranslationOptions, tooLong } from './request-to-anthropic.ts'
import { given, refuseOthers, Untranslatable, words } from './untranslatable.ts'

/** What is translated, and what concerns the account at Anthropic, but not the answer. */
const KNOWN = words(`model messages system max_tokens temperature top_p stop_sequences stream tools tool_choice metadata
  service_tier cache_control`)
/** OpenAI takes no more of them. */
const STOPS_MAX = 4
const TOOL_NAME_MAX = 64

/** In pieces one after the other. Throws Untranslatable. */
export function requestToOpenAi(scan: CallScan, options: TranslationOptions): Buffer[] {
  const { root, members } = scan
  const own = members.filter(({ isOwn }) => isOwn).map(({ key }) => key)
  const member = (key: string) => given(root.get(key))
  const thinking = member('thinking')?.get('type')?.text
  if (thinking !== undefined && thinking !== 'disabled') throw new Untranslatable('thinking has no counterpart')
  refuseOthers(root, new Set([...KNOWN, ...own, 'thinking']), 'the member')
  const maxTokens = options.maxOutputTokens ?? scan.maxOutputTokens
  const system = textOf(member('system'), 'system')
  const body: Writable = {
    model: options.model,
    messages: [
      ...(system === undefined ? [] : [{ role: 'system', content: system }]),
      ...(member('messages')?.items() ?? []).flatMap(messagesOf),
    ],
    [options.maxOutputName ?? 'max_completion_tokens']: maxTokens,
    temperature: member('temperature'),
    top_p: member('top_p'),
    stop: stopsOf(member('stop_sequences')),
    ...(scan.isStream ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...toolsOf(member('tools'), member('tool_choice')),
    user: given(member('metadata')?.get('user_id')),
  }
  return writeJson(body)
}

function stopsOf(stops: JsonValue | undefined): Writable {
  if (stops && stops.size > STOPS_MAX)
    throw new Untranslatable(`more than ${STOPS_MAX} stop_sequences have no counterpart`)
  return stops && stops.size > 0 ? stops : undefined
}

function toolsOf(tools: JsonValue | undefined, choice: JsonValue | undefined) {
  if (!tools || tools.size === 0) return {}
  const isSingle = choice?.get('disable_parallel_tool_use')?.kind === 'true'
  return {
    tools: tools.items().map(toolOf),
    tool_choice: choice && choiceOf(choice),
    parallel_tool_calls: isSingle ? false : undefined,
  }
}

function toolOf(tool: JsonValue): Writable {
  const type = given(tool.get('type'))?.text ?? 'custom'
  if (type !== 'custom') throw new Untranslatable(`the tool type ${type} has no counterpart`)
  refuseOthers(tool, words('type name description input_schema cache_control strict'), 'a tool’s')
  if ((tool.get('name')?.size ?? 0) > TOOL_NAME_MAX)
    throw new Untranslatable('a tool’s name of more than 64 letters has no counterpart')
  return {
    type: 'function',
    function: {
      name: tool.get('name'),
      description: given(tool.get('description')),
      parameters: tool.get('input_schema'),
      strict: tool.get('strict')?.kind === 'true' ? true : undefined,
    },
  }
}

function choiceOf(choice: JsonValue): Writable {
  const type = choice.get('type')?.text
  if (type === 'any') return 'required'
  if (type === 'tool') return { type: 'function', function: { name: choice.get('name') } }
  if (type === 'auto' || type === 'none') return type
  throw new Untranslatable(`tool_choice ${type ?? ''} has no counterpart`)
}

function messagesOf(message: JsonValue): Writable[] {
  const role = message.get('role')?.text
  const content = given(message.get('content'))
  if (role === 'assistant') return [assistantMessage(content)]
  if (role === 'system') return [{ role, content: textOf(content, 'a message') }]
  if (role !== 'user') throw new Untranslatable(`the role ${role ?? ''} has no counterpart`)
  if (content?.kind !== 'array') return [{ role, content: content ?? '' }]
  const blocks = content.items()
  // The results of tools have to follow the calls at once.
  const results = blocks.filter((block) => typeOf(block) === 'tool_result').map(toolMessage)
  const parts = blocks.filter((block) => typeOf(block) !== 'tool_result').map(partOf)
  return [...results, ...(parts.length > 0 || results.length === 0 ? [{ role, content: plain(parts) }] : [])]
}

const typeOf = (block: JsonValue): string | undefined => block.get('type')?.text

/** A single text as itself: servers of OpenAI's format exist that take nothing else. */
function plain(parts: readonly { type: string; text?: Writable }[]): Writable {
  const [first] = parts
  return parts.length === 1 && first?.type === 'text' ? first.text : (parts as readonly Writable[])
}

function partOf(block: JsonValue): { type: string; text?: Writable; image_url?: Writable } {
  const type = typeOf(block)
  if (type === 'text') return textPart(block)
  if (type !== 'image') throw new Untranslatable(`a block of type ${type ?? ''} has no counterpart`)
  const source = block.get('source')
  const kind = source?.get('type')?.text
  if (kind === 'url') return { type: 'image_url', image_url: { url: source?.get('url') } }
  if (kind !== 'base64') throw new Untranslatable(`a picture by ${kind ?? ''} has no counterpart`)
  // A picture may have 32 MiB: it goes on as it was written.
  const url = new JsonText('"data:', innerOf(source?.get('media_type')), ';base64,', innerOf(source?.get('data')), '"')
  return { type: 'image_url', image_url: { url } }
}

function textPart(block: JsonValue): { type: string; text: Writable } {
  refuseOthers(block, words('type text cache_control'), 'a text’s')
  return { type: 'text', text: block.get('text') }
}

/** A text, or blocks of text as parts; undefined where there is none. */
function textOf(content: JsonValue | undefined, what: string): Writable {
  if (content === undefined || content.kind === 'string') return content
  const parts = content.items().map((block) => {
    if (typeOf(block) !== 'text')
      throw new Untranslatable(`a block of type ${typeOf(block) ?? ''} in ${what} has no counterpart`)
    return textPart(block)
  })
  return parts.length === 0 ? undefined : plain(parts)
}

/** There is no mark for a tool that failed; its text says so, as it does to Anthropic's models. */
function toolMessage(block: JsonValue): Writable {
  refuseOthers(block, words('type tool_use_id content is_error cache_control'), 'a tool result’s')
  const content = textOf(given(block.get('content')), 'a tool result') ?? ''
  return { role: 'tool', tool_call_id: block.get('tool_use_id'), content }
}

function assistantMessage(content: JsonValue | undefined): Writable {
  if (content?.kind !== 'array') return { role: 'assistant', content: content ?? '' }
  const texts: { type: string; text: Writable }[] = []
  const calls: Writable[] = []
  for (const block of content.items()) {
    const type = typeOf(block)
    if (type === 'text') texts.push(textPart(block))
    else if (type === 'tool_use') calls.push(toolCall(block))
    else throw new Untranslatable(`a block of type ${type ?? ''} has no counterpart`)
  }
  return {
    role: 'assistant',
    content: texts.length === 0 ? null : plain(texts),
    tool_calls: calls.length === 0 ? undefined : calls,
  }
}

/** The input goes on as the text that it was sent as. */
function toolCall(block: JsonValue): Writable {
  refuseOthers(block, words('type id name input cache_control'), 'a tool call’s')
  const input = block.get('input')
  if (input && input.end - input.start > ARGUMENTS_MAX_BYTES) throw tooLong()
  return {
    id: block.get('id'),
    type: 'function',
    function: { name: block.get('name'), arguments: input?.source ?? '{}' },
  }
}
