/** Every context of this system: the one file outside its own that a new context edits. Each is loaded when it is asked for. */
import type { ContextCli } from './cli/context-cli.ts'
import type { Context } from './context.ts'

interface Loaders {
  context(): Promise<Context>
  /** What it shows on the command line, which lists commands before it loads any; absent: nothing. */
  cli?(): Promise<ContextCli>
}

const known = {
  noctant: {
    context: async () => (await import('./contexts/noctant.ts')).noctant,
    cli: async () => (await import('./cli/noctant/cli.ts')).noctantCli,
  },
  firsthand: {
    context: async () => (await import('./contexts/firsthand.ts')).firsthand,
    cli: async () => (await import('./cli/firsthand/cli.ts')).firsthandCli,
  },
  rungate: {
    context: async () => (await import('./contexts/rungate.ts')).rungate,
    cli: async () => (await import('./cli/rungate/cli.ts')).rungateCli,
  },
  ostium: {
    context: async () => (await import('./contexts/ostium.ts')).ostium,
    cli: async () => (await import('./cli/ostium/cli.ts')).ostiumCli,
  },
  killatamata: {
    context: async () => (await import('./contexts/killatamata.ts')).killatamata,
    cli: async () => (await import('./cli/killatamata/cli.ts')).killatamataCli,
  },
  audit: {
    context: async () => (await import('./contexts/audit.ts')).audit,
    cli: async () => (await import('./cli/audit/cli.ts')).auditCli,
  },
  console: {
    context: async () => (await import('./contexts/console.ts')).console,
    cli: async () => (await import('./cli/console/cli.ts')).consoleCli,
  },
} satisfies Record<string, Loaders>

export type ContextName = keyof typeof known

const loaders: Readonly<Record<ContextName, Loaders>> = known

export const contextNames = Object.keys(known) as readonly ContextName[]

/** The contexts of these names, in the order of the list; default: all. */
export const loadContexts = (names: readonly ContextName[] = contextNames): Promise<Context[]> =>
  Promise.all(contextNames.filter((name) => names.includes(name)).map((name) => loaders[name].context()))

/** What all contexts show on the command line, in the order of the list. */
export const loadContextClis = (): Promise<{ name: ContextName; cli: ContextCli }[]> =>
  Promise.all(contextNames.map(async (name) => ({ name, cli: (await loaders[name].cli?.()) ?? {} })))
