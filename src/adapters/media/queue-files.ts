/** Files that a provider elsewhere has made: what they are by their bytes has to be what was asked for, since the caller was told so. */
import { createReadStream } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { measure } from '../object-store/hashing.ts'
import { outputType } from './media-types.ts'
import { type FileMeasures, type RenderedFile, RenderFailed, type RenderOrder } from './order.ts'
import { NotTaken, type Prober } from './probe.ts'
import type { Workers } from './workers.ts'

const GLB_MAGIC = 'glTF'
/** A sound in Ogg may be called by what is in it. */
const SAME: Readonly<Record<string, string>> = { 'audio/opus': 'audio/ogg' }

const other = (cause?: unknown) =>
  new RenderFailed('provider_failed', 'The provider has made something else than was asked for.', { cause })

interface Looking {
  workers: Pick<Workers, 'probe'>
  prober: () => Prober
}

/** The file at `path` as the order's n-th one. Throws RenderFailed where it is of another type or size. */
export async function lookAtMade(
  { workers, prober }: Looking,
  path: string,
  { input, outputNames }: Pick<RenderOrder, 'input' | 'outputNames'>,
  index: number,
): Promise<RenderedFile> {
  const name = outputNames[index] ?? basename(path)
  const mimeType = outputType(name)
  const wanted = mimeType.split('/')[0]
  let measures: FileMeasures = {}
  if (wanted === 'image' || wanted === 'video' || wanted === 'audio') {
    const probed = await workers.probe({ path, wanted, prober: prober() }).catch((error: unknown) => {
      throw error instanceof NotTaken ? other(error) : error
    })
    measures = probed.measures
    if ((SAME[probed.mimeType] ?? probed.mimeType) !== mimeType) throw other()
    if (wanted !== 'audio' && !isOfSize(measures, input)) throw other()
  } else if (!(await isText(path, mimeType))) throw other()
  return { name, path, mimeType, ...(await measure(createReadStream(path))), measures }
}

function isOfSize({ width, height }: FileMeasures, input: RenderOrder['input']): boolean {
  const asked = { width: input.outputWidth ?? input.width, height: input.outputHeight ?? input.height }
  return (asked.width ?? width) === width && (asked.height ?? height) === height
}

/** Whether it begins, or reads, like what it is to be. */
async function isText(path: string, mimeType: string): Promise<boolean> {
  if (mimeType === 'application/json') {
    try {
      JSON.parse(await readFile(path, 'utf8'))
      return true
    } catch (error) {
      if (error instanceof SyntaxError) return false
      throw error
    }
  }
  const file = await open(path)
  try {
    const { buffer } = await file.read(Buffer.alloc(GLB_MAGIC.length), 0, GLB_MAGIC.length, 0)
    return buffer.toString('latin1') === GLB_MAGIC
  } finally {
    await file.close()
  }
}
