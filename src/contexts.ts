/** Every context of this system: the one file outside its own that a new context edits. Each is loaded when it is asked for. */
import type { Context } from './context.ts'

const loaders = {
  noctant: async () => (await import('./contexts/noctant.ts')).noctant,
  firsthand: async () => (await import('./contexts/firsthand.ts')).firsthand,
  rungate: async () => (await import('./contexts/rungate.ts')).rungate,
  ostium: async () => (await import('./contexts/ostium.ts')).ostium,
  audit: async () => (await import('./contexts/audit.ts')).audit,
  console: async () => (await import('./contexts/console.ts')).console,
} satisfies Record<string, () => Promise<Context>>

export type ContextName = keyof typeof loaders

export const contextNames = Object.keys(loaders) as readonly ContextName[]

/** The contexts of these names, in the order of the list; default: all. */
export const loadContexts = (names: readonly ContextName[] = contextNames): Promise<Context[]> =>
  Promise.all(contextNames.filter((name) => names.includes(name)).map((name) => loaders[name]()))
