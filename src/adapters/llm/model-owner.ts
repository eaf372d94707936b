/** Whose model a name means, as far as names tell. */
import { findProvider } from '@pydantic/genai-prices'

const OPENAI = /^(ft:)?(gpt|chatgpt|o\d|davinci|babbage|text-embedding|codex|computer-use)(-|\d|$)/
const ANTHROPIC = /^claude(-|$)/

/** Names remembered; after that many all are looked up anew. */
const REMEMBERED_MAX = 5_000

/** Looks a model's provider up: undefined for a name that belongs to nobody. */
export function createOwnerOf(): (model: string) => string | undefined {
  const remembered = new Map<string, string | undefined>()
  return (model) => {
    if (remembered.has(model)) return remembered.get(model)
    if (remembered.size >= REMEMBERED_MAX) remembered.clear()
    const owner = ownerOf(model.toLowerCase())
    remembered.set(model, owner)
    return owner
  }
}

function ownerOf(model: string): string | undefined {
  if (ANTHROPIC.test(model)) return 'anthropic'
  if (OPENAI.test(model)) return 'openai'
  return findProvider({ modelId: model })?.id
}
