/**
 * A model of OpenAI's shape that does what the prompt's lines say: `image:`, `video:`, `speak:`, `music:` and `sound:` ask for a paid job
 * with the rest of the line, `note: title | text` creates a text, `storyboard: title` a storyboard. To anything else, and to what its
 * tools have answered, it answers in words.
 */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { jsonAnswer, jsonOf, type StandInAnswer, type StandInPart, StandInRefusal } from './exchange.ts'

interface Message {
  role: string
  content: string
}

interface Call {
  name: string
  arguments: object
}

const job = (task: string, title: string, input: object): Call => ({
  name: 'submit_media_job',
  arguments: { task, title: [...title].slice(0, TITLE_LENGTH_MAX).join('') || task, input },
})
const TITLE_LENGTH_MAX = 80

const orders: Readonly<Record<string, (rest: string) => Call>> = {
  image: (prompt) => job('image.generate', prompt, { prompt }),
  video: (prompt) => job('video.generate', prompt, { prompt, durationFrames: 49 }),
  speak: (text) => job('audio.speak', text, { text }),
  music: (tags) => job('ace.step.create', tags, { tags, lyrics: '[instrumental]' }),
  sound: (prompt) => job('moss.sound.effect', prompt, { prompt }),
  note(rest) {
    const [title = '', ...text] = rest.split('|')
    return { name: 'create_text', arguments: { title: title.trim() || 'Note', content: text.join('|').trim() } }
  },
  storyboard: (title) => ({ name: 'create_storyboard', arguments: { title: title || 'Storyboard' } }),
}

const LINE = /^\s*(image|video|speak|music|sound|note|storyboard):[ \t]*(.*?)[ \t]*$/i

/** What the lines ask for, in their order, as far as there is such a tool. */
function callsIn(prompt: string, tools: ReadonlySet<string>): Call[] {
  return prompt.split('\n').flatMap((line) => {
    const [, word, rest = ''] = LINE.exec(line) ?? []
    const call = word === undefined ? undefined : orders[word.toLowerCase()]?.(rest)
    return call && tools.has(call.name) ? [call] : []
  })
}

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part: { text?: unknown }) => (typeof part?.text === 'string' ? part.text : '')).join('\n')
}

function messagesIn({ messages }: Record<string, unknown>): Message[] {
  if (!Array.isArray(messages) || messages.length === 0)
    throw new StandInRefusal(400, "Missing required parameter: 'messages'.")
  return messages.map((each: { role?: unknown; content?: unknown }) => ({
    ...{ role: String(each?.role ?? ''), content: textOf(each?.content) },
  }))
}

function toolsIn({ tools }: Record<string, unknown>): Set<string> {
  if (!Array.isArray(tools)) return new Set()
  return new Set(tools.map((tool: { function?: { name?: unknown } }) => String(tool?.function?.name ?? '')))
}

/** Letters and digits that are the same for the same question. */
const idOf = (seed: string): string => createHash('sha256').update(seed).digest('hex').slice(0, 24)

interface Said {
  words: string[]
  calls: { id: string; name: string; arguments: string }[]
}

function answerTo(body: Record<string, unknown>): Said {
  const messages = messagesIn(body)
  const last = messages.at(-1)
  const results = messages.length - 1 - messages.findLastIndex(({ role }) => role !== 'tool')
  const prompt = last?.role === 'user' ? last.content : ''
  const calls = callsIn(prompt, toolsIn(body)).map(({ name, arguments: given }, index) => ({
    ...{ id: `call_${idOf(`${JSON.stringify(messages)} ${index}`)}`, name, arguments: JSON.stringify(given) },
  }))
  const things = results === 1 ? 'one thing' : `${results} things`
  const text = results > 0 ? `That was ${things}, and it is done.` : `You said: ${prompt.trim()}`
  return { words: calls.length > 0 ? ['One', ' moment.'] : (text.match(/\s*\S+/g) ?? []), calls }
}

/** Between two words, so that a run can be watched. */
const WORD_MS = 5

async function* framesOf(head: object, { words, calls }: Said): AsyncGenerator<string> {
  const frame = (delta: object, finish_reason: string | null = null) =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })}\n\n`
  yield frame({ role: 'assistant', content: '' })
  for (const content of words) {
    await delay(WORD_MS)
    yield frame({ content })
  }
  for (const [index, { id, name, arguments: written }] of calls.entries()) {
    yield frame({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] })
    yield frame({ tool_calls: [{ index, function: { arguments: written } }] })
  }
  yield frame({}, calls.length > 0 ? 'tool_calls' : 'stop')
  yield 'data: [DONE]\n\n'
}

function completion(body: Record<string, unknown>): StandInAnswer {
  const said = answerTo(body)
  const head = { id: `chatcmpl-${idOf(JSON.stringify(body.messages))}`, created: 1_800_000_000, model: body.model }
  if (body.stream === true) {
    const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }
    return { status: 200, headers, body: framesOf(head, said) }
  }
  const tool_calls = said.calls.map(({ id, name, arguments: written }) => ({
    ...{ id, type: 'function', function: { name, arguments: written } },
  }))
  const message = {
    ...{ role: 'assistant', content: said.words.join('') },
    ...(tool_calls.length > 0 && { tool_calls }),
  }
  const finish_reason = tool_calls.length > 0 ? 'tool_calls' : 'stop'
  return jsonAnswer({ ...head, object: 'chat.completion', choices: [{ index: 0, message, finish_reason }] })
}

export function llmPart(): StandInPart {
  return {
    routes: {
      '/llm/v1/chat/completions': (request) => (request.method === 'POST' ? completion(jsonOf(request)) : undefined),
    },
  }
}
