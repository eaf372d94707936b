/**
 * What the simulator answers: the same to the same question. A user who writes `call NAME` has that tool called; `[[words 50]]`
 * asks for fifty words, and `[[arguments {…}]]` for these arguments to the letter.
 */
import { createHash } from 'node:crypto'
import type { AnswerOrder } from './control.ts'

export interface Question {
  /** All of the prompt, as one text. */
  prompt: string
  /** What the user said last; empty after the result of a tool. */
  lastUserText: string
  tools: { name: string; schema: unknown }[]
  /** `required`: any tool; a name: that one. */
  toolChoice: 'auto' | 'none' | 'required' | { name: string }
  maxTokens: number | undefined
}

export interface Script {
  /** Pieces of text; each counts as a token. */
  words: string[]
  toolCalls: { id: string; name: string; arguments: string }[]
  /** In pieces that come in turn. */
  interleaved: boolean
  end: 'stop' | 'length' | 'tool_calls'
  /** A finish reason in place of the one that fits. */
  finishReason: string | undefined
  inputTokens: number
  outputTokens: number
}

const BYTES_PER_TOKEN = 4
const WORDS_MAX = 100_000

/** Tokens of a text, as the simulator counts. */
export const tokensOf = (text: string): number => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)

export function scriptFor(question: Question, order: AnswerOrder): Script {
  const ordered = order.toolCalls ?? toolsToCall(question)
  const toolCalls = ordered.map((call, index) => ({ id: idOf(`${question.prompt} ${call.name} ${index}`), ...call }))
  const all = toolCalls.length > 0 && order.text === undefined ? [] : wordsFor(question, order)
  const argumentTokens = toolCalls.reduce((sum, call) => sum + tokensOf(call.name + call.arguments), 0)
  const words = all.slice(0, question.maxTokens ?? WORDS_MAX)
  const isCut = words.length < all.length
  return {
    ...{ words, toolCalls, interleaved: order.interleaved ?? false, finishReason: order.finishReason },
    end: isCut ? 'length' : toolCalls.length > 0 ? 'tool_calls' : 'stop',
    inputTokens: Math.max(1, tokensOf(question.prompt)),
    outputTokens: words.length + argumentTokens,
  }
}

/** Letters and digits that are the same for the same seed. */
export const idOf = (seed: string): string => createHash('sha256').update(seed).digest('hex').slice(0, 24)

function wordsFor({ lastUserText }: Question, { text, words }: AnswerOrder): string[] {
  const asked = words ?? numberIn(/\[\[words (\d+)\]\]/.exec(lastUserText)?.[1])
  if (asked !== undefined)
    return Array.from({ length: Math.min(asked, WORDS_MAX) }, (_, index) => (index === 0 ? 'word' : ' word'))
  const answer = text ?? `You said: ${lastUserText || 'nothing'}`
  return answer.match(/\s*\S+\s*$|\s*\S+/g) ?? []
}

const numberIn = (digits: string | undefined): number | undefined => (digits === undefined ? undefined : Number(digits))

function toolsToCall({ tools, toolChoice, lastUserText }: Question): { name: string; arguments: string }[] {
  if (toolChoice === 'none') return []
  const asked = tools.filter(({ name }) => lastUserText.includes(`call ${name}`))
  const forced =
    typeof toolChoice === 'object' ? tools.filter(({ name }) => name === toolChoice.name) : tools.slice(0, 1)
  const called = asked.length === 0 && toolChoice !== 'auto' ? forced : asked
  const written = /\[\[arguments (\{.*?\})\]\]/s.exec(lastUserText)?.[1]
  return called.map(({ name, schema }) => ({ name, arguments: written ?? JSON.stringify(exampleOf(schema)) }))
}

type Members = Record<string, unknown>

/** A value that fits the schema, as far as it is simple. */
function exampleOf(schema: unknown): unknown {
  const { type, properties, items, enum: values } = (schema ?? {}) as Members
  if (Array.isArray(values)) return values[0]
  if (type === 'string') return 'example'
  if (type === 'integer') return 7
  if (type === 'number') return 0.5
  if (type === 'boolean') return true
  if (type === 'array') return [exampleOf(items)]
  return Object.fromEntries(
    Object.entries((properties ?? {}) as Members).map(([key, value]) => [key, exampleOf(value)]),
  )
}

/** A text in pieces of a few letters, as arguments come in a stream. */
export const piecesOf = (text: string): string[] => text.match(/.{1,7}/gs) ?? []
