/**
 * Changes to a request in its own bytes: what is not changed reaches the provider as it was sent, so that no number is
 * rounded and the provider's cache finds the prompt that it knows.
 */
import type { CallScan } from './call-scan.ts'

export interface Changes {
  model?: string
  /** The limit of output, in tokens per choice. */
  maxOutputTokens?: number
  /** The member that sets the limit where the request has none; default: what the format's own provider reads. */
  maxOutputName?: string
  /** OpenAI: ask for usage at the end of the stream. */
  includeUsage?: boolean
}

interface Edit {
  from: number
  to: number
  text: string
}

/** Up to this size one copy is faster than several writes. */
const COPY_BYTES = 65_536

/**
 * The request with the changes and without the members that are ours, as pieces one after the other; a long one is not copied.
 */
export function splice(scan: CallScan, changes: Changes = {}): Buffer[] {
  const edits = [...cuts(scan), ...replacements(scan, changes)].sort((a, b) => a.from - b.from || a.to - b.to)
  if (edits.length === 0) return [scan.bytes]
  const pieces: Buffer[] = []
  let from = 0
  for (const edit of edits) {
    pieces.push(scan.bytes.subarray(from, edit.from), Buffer.from(edit.text))
    from = edit.to
  }
  pieces.push(scan.bytes.subarray(from))
  const filled = pieces.filter(({ length }) => length > 0)
  return scan.bytes.length <= COPY_BYTES ? [Buffer.concat(filled)] : filled
}

export const lengthOf = (pieces: readonly Buffer[]): number => pieces.reduce((sum, { length }) => sum + length, 0)

/** A member goes with the comma after it, and the last ones with the comma before them. */
function cuts({ members }: CallScan): Edit[] {
  const lastKept = members.findLastIndex(({ isOwn }) => !isOwn)
  const edits = members.slice(0, lastKept + 1).flatMap(({ isOwn, keyStart }, index) => {
    return isOwn ? [{ from: keyStart, to: members[index + 1]!.keyStart, text: '' }] : []
  })
  if (lastKept === members.length - 1) return edits
  const from = lastKept === -1 ? members[0]!.keyStart : members[lastKept]!.value.end
  return [...edits, { from, to: members.at(-1)!.value.end, text: '' }]
}

function replacements(scan: CallScan, { model, maxOutputTokens, maxOutputName, includeUsage }: Changes): Edit[] {
  const edits: Edit[] = []
  const inserted: string[] = []
  const set = (key: string, text: string): boolean => {
    const member = scan.members.find((known) => known.key === key)
    if (member) edits.push({ from: member.value.start, to: member.value.end, text })
    return member !== undefined
  }
  const setOrInsert = (key: string, text: string) => {
    if (!set(key, text)) inserted.push(`${JSON.stringify(key)}:${text}`)
  }
  if (model !== undefined) setOrInsert('model', JSON.stringify(model))
  if (maxOutputTokens !== undefined) {
    const names = scan.format === 'openai' ? ['max_completion_tokens', 'max_tokens'] : ['max_tokens']
    const given = names.flatMap((key) => scan.members.find((known) => known.key === key && !known.value.isNull) ?? [])
    for (const { key, value } of given) {
      // Where both are there, the lower one stays.
      if (Number(value.source) > maxOutputTokens) set(key, String(maxOutputTokens))
    }
    if (given.length === 0) setOrInsert(maxOutputName ?? names[0]!, String(maxOutputTokens))
  }
  if (includeUsage && !scan.wantsUsage) {
    const options = scan.members.find(({ key }) => key === 'stream_options')?.value
    const asked = options?.get('include_usage')
    if (asked) edits.push({ from: asked.start, to: asked.end, text: 'true' })
    else if (options?.kind === 'object') {
      const text = `"include_usage":true${options.size > 0 ? ',' : ''}`
      edits.push({ from: options.start + 1, to: options.start + 1, text })
    } else setOrInsert('stream_options', '{"include_usage":true}')
  }
  if (inserted.length > 0) {
    const at = scan.root.start + 1
    const isAlone = scan.members.every(({ isOwn }) => isOwn)
    edits.push({ from: at, to: at, text: inserted.join(',') + (isAlone ? '' : ',') })
  }
  return edits
}
