/** What renderers work with: the order, the programs, and numbers that follow from a text, so that the same order makes the same file. */
import { hash } from 'node:crypto'
import { join } from 'node:path'
import type { InputFile, RenderOrder } from '../order.ts'
import { runTool, type ToolLimits, type ToolName, type Tools } from '../tools.ts'

export interface Studio {
  order: RenderOrder
  tools: Tools
  limits: ToolLimits
}

/** Where the n-th file goes, from 0. */
export const outputPath = ({ order: { directory, outputNames } }: Studio, index = 0): string =>
  join(directory, outputNames[index] ?? 'output')

/** A file of the work itself, which nobody is given. */
export const scratch = ({ order }: Studio, name: string): string => join(order.directory, `scratch-${name}`)

export const inputOf = ({ order }: Studio, field: string): InputFile | undefined =>
  order.inputs.find((file) => file.field === field)
export const inputsOf = ({ order }: Studio, field: string): InputFile[] =>
  order.inputs.filter((file) => file.field === field).toSorted((a, b) => a.index - b.index)

export const numberAt = ({ order }: Studio, name: string, fallback = 0): number => {
  const value = order.input[name]
  return typeof value === 'number' ? value : fallback
}
export const textAt = ({ order }: Studio, name: string): string => {
  const value = order.input[name]
  return typeof value === 'string' ? value : ''
}

export const run = ({ tools, limits, order }: Studio, name: ToolName, args: readonly string[]): Promise<string> =>
  runTool(tools, name, args, { cwd: order.directory, limits })

/** What stands before every input: it is read as what it is, from a file, and not talked about. */
export const QUIET = ['-hide_banner', '-nostdin', '-v', 'error', '-y']
/** So that the same work makes the same bytes. */
export const REPEATABLE = [
  '-map_metadata',
  '-1',
  '-fflags',
  '+bitexact',
  '-flags:v',
  '+bitexact',
  '-flags:a',
  '+bitexact',
]

/** Numbers from 0 to 1 (1 excluded) that follow from the seed: xorshift, 32 bits. */
export function numbersOf(seed: string): () => number {
  let state = Number.parseInt(hash('sha256', seed).slice(0, 8), 16) || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

export const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
