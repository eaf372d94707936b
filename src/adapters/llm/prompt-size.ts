/**
 * How many tokens a prompt can be at most, without a tokenizer: those of the field take half a minute for a text without spaces.
 * A byte-level token is at least a byte, so the UTF-8 bytes of what becomes prompt are a bound; pictures and documents have
 * figures of their own.
 */
import { CELL, END, keyText, NEXT, SIZE, START } from './json-tape.ts'
import { JsonValue } from './json-value.ts'

export interface PromptSize {
  /** UTF-8 bytes of text that becomes prompt: roles, names, texts, tool schemas, tool calls and their results. */
  textBytes: number
  messages: number
  hasTools: boolean
  /** Tokens of pictures, sound and documents. */
  mediaTokens: number
  /** Whether it refers to a document that is not in it: then only the model's context is a bound. */
  isOpen: boolean
  /** Tokens of an expected output (OpenAI's `prediction`), which may be billed as output where it was wrong. */
  predictionTokens: number
}

const MESSAGE_TOKENS = 16
const TOOLS_TOKENS = 1_000
const PICTURE_TOKENS = 1_600
const LOW_DETAIL_TOKENS = 100
/** Bytes of an encoded document or sound to a token. */
const DOCUMENT_BYTES_PER_TOKEN = 3

/** The most input tokens that the prompt can be counted as; `isOpen` apart. */
export const inputBoundTokens = ({ textBytes, messages, hasTools, mediaTokens }: PromptSize): number =>
  textBytes + messages * MESSAGE_TOKENS + (hasTools ? TOOLS_TOKENS : 0) + mediaTokens

/** What the prompt is likely to have, for limits of a rate: four bytes to a token. */
export const inputEstimateTokens = ({ textBytes, mediaTokens }: PromptSize): number =>
  Math.ceil(textBytes / 4) + mediaTokens

/** Members that are settings of the call; anything else that holds text may become prompt. */
const SETTINGS = new Set(
  `model stream stream_options max_tokens max_completion_tokens n temperature top_p top_k stop stop_sequences seed user
   metadata store logit_bias logprobs top_logprobs presence_penalty frequency_penalty parallel_tool_calls modalities audio
   service_tier reasoning_effort verbosity safety_identifier prompt_cache_key prompt_cache_retention thinking container
   context_management betas inference_geo cache_control output_config speed`.split(/\s+/),
)
const TOOL_LISTS = new Set(['tools', 'functions'])

/** Whether the member is a setting of the call, or ours, and no part of the prompt. */
export const isSetting = ({ key, isOwn }: { key: string; isOwn: boolean }): boolean =>
  SETTINGS.has(key) || key === 'prediction' || isOwn

/** `members`: of the request's outermost object. */
export function promptSizeOf(members: readonly { key: string; value: JsonValue; isOwn: boolean }[]): PromptSize {
  const size: PromptSize = {
    ...{ textBytes: 0, messages: 0, hasTools: false, mediaTokens: 0, isOpen: false, predictionTokens: 0 },
  }
  for (const member of members) {
    const { key, value } = member
    if (key !== 'prediction' && isSetting(member)) continue
    if (key === 'prediction') size.predictionTokens += value.end - value.start
    else if (key === 'messages' || key === 'system') {
      size.messages += key === 'messages' ? value.size : 1
      addText(value, size)
    } else if (value.kind === 'string' || value.kind === 'object' || value.kind === 'array') {
      if (TOOL_LISTS.has(key) && value.size > 0) size.hasTools = true
      size.textBytes += value.end - value.start
    }
  }
  // An output's form is a schema in the prompt as well, beside settings that are none.
  const format = members.find(({ key }) => key === 'output_config')?.value.get('format')
  if (format) size.textBytes += format.end - format.start
  return size
}

/**
 * Adds all text of a message or of its parts. Their member names are no prompt, but those inside a tool's input are: it is
 * written into the prompt as JSON. It walks over the tape itself, since a request has up to ten thousand messages.
 */
function addText(value: JsonValue, size: PromptSize): void {
  const { bytes, cells } = value.tape
  const addCell = (index: number): void => {
    const cell = index * CELL
    const first = bytes[cells[cell + START]!]
    if (first === 0x22) size.textBytes += cells[cell + SIZE]!
    else if (first === 0x5b) {
      let item = index + 1
      for (let left = cells[cell + SIZE]!; left > 0; left--, item = cells[item * CELL + NEXT]!) addCell(item)
    } else if (first === 0x7b) {
      const part = new JsonValue(value.tape, index)
      if (!addMedia(part, size)) addMembers(index)
    } else if (first !== 0x74 && first !== 0x66 && first !== 0x6e) size.textBytes += cells[cell + END]! - cells[cell]!
  }
  const addMembers = (index: number): void => {
    let key = index + 1
    for (let left = cells[index * CELL + SIZE]!; left > 0; left--) {
      const member = (key + 1) * CELL
      const length = cells[key * CELL + SIZE]!
      const name = length === 5 || length === 9 || length === 13 ? keyText(bytes, cells, key) : undefined
      const isInput = (name === 'input' || name === 'arguments') && bytes[cells[member]!] === 0x7b
      if (isInput) size.textBytes += cells[member + END]! - cells[member]!
      else if (name !== 'cache_control') addCell(key + 1)
      key = cells[member + NEXT]!
    }
  }
  addCell(value.index)
}

/** Pictures, sound and documents are not counted by their bytes. False for anything else. */
function addMedia(part: JsonValue, size: PromptSize): boolean {
  const type = part.get('type')?.text
  if (type === 'image_url') {
    size.mediaTokens += part.get('image_url')?.get('detail')?.text === 'low' ? LOW_DETAIL_TOKENS : PICTURE_TOKENS
  } else if (type === 'image') size.mediaTokens += PICTURE_TOKENS
  else if (type === 'input_audio') addEncoded(part.get('input_audio')?.get('data'), size)
  else if (type === 'file') addEncoded(part.get('file')?.get('file_data'), size)
  else if (type === 'document') addDocument(part, size)
  else if (type === 'container_upload') size.isOpen = true
  else return false
  return true
}

function addDocument(part: JsonValue, size: PromptSize): void {
  for (const key of ['title', 'context']) size.textBytes += part.get(key)?.size ?? 0
  const source = part.get('source')
  const type = source?.get('type')?.text
  if (type === 'text') size.textBytes += source?.get('data')?.size ?? 0
  else if (type === 'content') addText(source!.get('content') ?? source!, size)
  else addEncoded(source?.get('data'), size)
}

function addEncoded(data: JsonValue | undefined, size: PromptSize): void {
  if (data?.kind === 'string') size.mediaTokens += Math.ceil(data.size / DOCUMENT_BYTES_PER_TOKEN)
  else size.isOpen = true
}
