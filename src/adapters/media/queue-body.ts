/** What a queue's model is sent: the complete input, its files as data URIs, under the model's own names. */
import { readFile, stat } from 'node:fs/promises'
import { RenderFailed, type RenderOrder } from './order.ts'

export interface QueueModel {
  /** `house/model`, below the queue's address. */
  model: string
  /** What members of the input are called there; `image_size.width` lies in another one. The rest keeps its name. */
  names: Readonly<Record<string, string>>
}

/** Throws RenderFailed where it would have more than `bytesMax`. */
export async function queueBody(order: RenderOrder, names: QueueModel['names'], bytesMax: number): Promise<string> {
  const body: Record<string, unknown> = {}
  const put = (name: string, value: unknown) => putAt(body, (names[name] ?? name).split('.'), value)
  for (const [name, value] of Object.entries(order.input)) if (value !== null) put(name, value)
  const tooLarge = () => new RenderFailed('input_unusable', `The inputs have more than ${bytesMax} bytes together.`)
  const sizes = await Promise.all(order.inputs.map(async ({ path }) => (await stat(path)).size))
  // In base64 they are longer by a third.
  if (sizes.reduce((sum, size) => sum + size, 0) * (4 / 3) > bytesMax) throw tooLarge()
  for (const [field, files] of Map.groupBy(order.inputs, (file) => file.field)) {
    const uris = await Promise.all(
      files
        .toSorted((a, b) => a.index - b.index)
        .map(async ({ path, mimeType }) => `data:${mimeType};base64,${await readFile(path, 'base64')}`),
    )
    put(field, files.some(({ isList }) => isList) ? uris : uris[0])
  }
  const text = JSON.stringify(body)
  if (Buffer.byteLength(text) > bytesMax) throw tooLarge()
  return text
}

function putAt(into: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    into[name] = value
    return
  }
  const inner = (into[name] ?? {}) as Record<string, unknown>
  into[name] = inner
  putAt(inner, rest, value)
}
