/** The text that becomes a prompt, for counting its tokens; pictures, sound and documents have figures of their own. */
import type { CallScan } from './call-scan.ts'
import type { JsonValue } from './json-value.ts'
import { isSetting } from './prompt-size.ts'

const MEDIA = new Set(['image_url', 'image', 'input_audio', 'file', 'container_upload'])

/** Texts one after the other, at most `maxBytes` of them; undefined: there are more. */
export function promptTexts({ members, prompt }: CallScan, maxBytes: number): string[] | undefined {
  if (prompt.textBytes > maxBytes) return undefined
  const texts: string[] = []
  for (const member of members) {
    const { key, value } = member
    if (key === 'messages' || key === 'system') addTexts(value, texts)
    else if (!isSetting(member) || key === 'output_config') texts.push(value.source)
  }
  return texts
}

function addTexts(value: JsonValue, texts: string[]): void {
  if (value.kind === 'string') texts.push(value.text ?? '')
  else if (value.kind === 'array') for (const item of value.items()) addTexts(item, texts)
  else if (value.kind === 'object') {
    const type = value.get('type')?.text
    if (type !== undefined && MEDIA.has(type)) return
    const isEncoded = type === 'document' && value.get('source')?.get('type')?.text === 'base64'
    for (const { key, value: member } of value.entries()) {
      if (key === 'cache_control' || (isEncoded && key === 'source')) continue
      // A tool's input stands in the prompt as JSON.
      if (key === 'input' && member.kind === 'object') texts.push(member.source)
      else addTexts(member, texts)
    }
  } else if (value.kind === 'number') texts.push(value.source)
}
