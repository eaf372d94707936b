/**
 * OpenAI's chunks as an Anthropic stream. There blocks follow each other, so a tool call that begins while the arguments of
 * another are incomplete waits until they are: no argument ever lands in another call.
 */
import { anthropicUsage, stopReasonOf, translatedId } from './finish-reasons.ts'
import { BrokenStream, type Frame, frameBytes } from './frames.ts'
import { listOf, type Members, membersOf, type Reading, type StreamReader, textOf } from './stream-reader.ts'
import type { FrameTranslator } from './stream-relay.ts'
import { noUsage } from './usage.ts'

/** A text, or a tool call under OpenAI's index of it. */
interface Block {
  tool: number | undefined
  id: string
  name: string
  /** All of its text or arguments so far. */
  text: string
  /** How much of it the client has. */
  sent: number
}

const event = (type: string, members: Members): Buffer => frameBytes(JSON.stringify({ type, ...members }), type)

export function createAnthropicFrames({ model }: { model: string }): FrameTranslator {
  let hasStarted = false
  let index = -1
  let open: Block | undefined
  let waiting: Block[] = []
  const closed: Block[] = []
  let hasTools = false
  let hasRefused = false

  function startMessage(chunk: Members | undefined): Buffer[] {
    if (hasStarted) return []
    hasStarted = true
    const message = {
      ...{ id: translatedId(chunk?.id, 'msg_'), type: 'message', role: 'assistant', model, content: [] },
      // What the prompt costs is known at the end only; message_delta brings it.
      ...{ stop_reason: null, stop_sequence: null, usage: anthropicUsage(noUsage) },
    }
    return [event('message_start', { message })]
  }

  function openBlock(block: Block): Buffer[] {
    open = block
    index += 1
    const content_block =
      block.tool === undefined
        ? { type: 'text', text: '' }
        : { type: 'tool_use', id: block.id, name: block.name, input: {} }
    return [event('content_block_start', { index, content_block })]
  }

  /** What of the open block the client does not have yet. */
  function sendRest(): Buffer[] {
    if (!open || open.sent === open.text.length || isEmptyTool(open)) return []
    const rest = open.text.slice(open.sent)
    open.sent = open.text.length
    return [delta(open, rest)]
  }

  const delta = ({ tool }: Block, rest: string): Buffer =>
    event('content_block_delta', {
      index,
      delta: tool === undefined ? { type: 'text_delta', text: rest } : { type: 'input_json_delta', partial_json: rest },
    })

  function closeBlock(): Buffer[] {
    if (!open) return []
    const frames = [...(isEmptyTool(open) ? [delta(open, '')] : sendRest()), event('content_block_stop', { index })]
    if (open.tool !== undefined) closed.push(open)
    open = undefined
    return frames
  }

  /** Opens what waits and has a name, as long as what is open is complete. `atEnd`: nothing more comes for any of them. */
  function advance(atEnd: boolean): Buffer[] {
    const frames: Buffer[] = []
    while (waiting.length > 0 && (!open || atEnd || isComplete(open))) {
      const [next, ...later] = waiting
      if (!next || (next.tool !== undefined && next.name === '' && !atEnd)) break
      waiting = later
      frames.push(...closeBlock(), ...openBlock(next), ...sendRest())
    }
    return frames
  }

  function addText(text: string): void {
    const last = waiting.at(-1) ?? open
    if (last && last.tool === undefined) last.text += text
    else waiting.push({ tool: undefined, id: '', name: '', text, sent: 0 })
  }

  /**
   * Servers exist that give every call the index 0: then another id tells that it is another call, and where there are no ids, a
   * name that comes after arguments which are complete.
   */
  function addCall(call: Members): void {
    const tool = typeof call.index === 'number' ? call.index : 0
    const id = textOf(call.id)
    const called = membersOf(call.function)
    const name = textOf(called?.name)
    const pieces = called?.arguments ?? ''
    if (typeof pieces !== 'string')
      throw new BrokenStream('unreadable', 'The provider sent arguments of a tool call that are no text.')
    const same = [...closed, ...(open ? [open] : []), ...waiting].findLast(
      (block) => block.tool === tool && (id === '' || block.id === '' || block.id === id),
    )
    const known = id === '' && same && isAnother(same, name, pieces) ? undefined : same
    if (known && closed.includes(known)) {
      if (pieces.trim() !== '')
        throw new BrokenStream('unreadable', 'The provider sent more arguments than a tool call has.')
    } else if (known) {
      known.text += pieces
      known.name ||= name
      known.id ||= id
    } else {
      hasTools = true
      waiting.push({ tool, id, name, text: pieces, sent: 0 })
    }
  }

  return {
    translate({ kind, event: chunk }: Reading, _frame: Frame, reader: StreamReader): Buffer[] {
      if (kind === 'end') {
        const usage = anthropicUsage(reader.usage ?? noUsage)
        const stop_reason = hasRefused ? 'refusal' : stopReasonOf(reader.finishReason, hasTools)
        return [
          ...startMessage(undefined),
          ...[...advance(true), ...closeBlock()],
          event('message_delta', { delta: { stop_reason, stop_sequence: null }, usage }),
          event('message_stop', {}),
        ]
      }
      if (!chunk) return []
      const frames = startMessage(chunk)
      const choice = listOf(chunk.choices).find(({ index: at }) => at === undefined || at === 0)
      const brought = membersOf(choice?.delta)
      const refusal = textOf(brought?.refusal)
      if (refusal !== '') hasRefused = true
      const text = textOf(brought?.content) + refusal
      if (text !== '') addText(text)
      for (const call of listOf(brought?.tool_calls)) addCall(call)
      return [...frames, ...advance(false), ...sendRest()]
    },
  }
}

/** Whether a call without an id is another one than `known`. */
function isAnother(known: Block, name: string, pieces: string): boolean {
  if (name === '' || known.name === '') return false
  if (isEmptyTool(known)) return name !== known.name
  return isComplete(known) && (name !== known.name || pieces.trim() !== '')
}

const isEmptyTool = ({ tool, text }: Block): boolean => tool !== undefined && text.trim() === ''

/** A text is complete at any time, arguments once they are JSON. */
function isComplete({ tool, text }: Block): boolean {
  if (tool === undefined) return true
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
