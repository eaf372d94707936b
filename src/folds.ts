/**
 * The folds of every aggregate, found in the commands' layer by their shape, so that a new one is taken in without a word
 * here: what an auditor's questions about states and transitions rest on.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Fold } from './audit/rules.ts'

const isFold = (value: unknown): value is Fold =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Fold).category === 'string' &&
  typeof (value as Fold).evolve === 'function' &&
  'initialState' in value

/** Every aggregate that the commands' layer exports. */
export async function allFolds(): Promise<Fold[]> {
  const commands = join(import.meta.dirname, 'commands')
  const files = await readdir(commands, { recursive: true })
  const folds = new Map<string, Fold>()
  for (const file of files.filter((name) => name.endsWith('.ts')).sort()) {
    const module: Record<string, unknown> = await import(pathToFileURL(join(commands, file)).href)
    for (const value of Object.values(module)) if (isFold(value)) folds.set(value.category, value)
  }
  return [...folds.values()]
}
