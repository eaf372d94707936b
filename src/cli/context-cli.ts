/**
 * What a context shows on the command line: its commands, its demonstrations, what it has given up. The file that says it
 * loads nothing else, since a list of commands is to be there at once.
 */
import type { AdminSession } from './admin-session.ts'
import type { AdminTools } from './admin-tools.ts'
import type { DeadLetters } from './dead-letters-settling.ts'
import type { Demo } from './demo/setting.ts'
import type { Parts } from './parts.ts'

/** What the commands of a context work with; loaded where one of them is. */
export type Tools = () => Promise<AdminTools>

export interface ContextCli {
  /** Its commands of `opslog` itself. */
  commands?(tools: Tools): Parts
  /** Its commands of `opslog admin`. */
  admin?(tools: Tools): Parts
  /** By the word behind `opslog demo`. The first one of all contexts is shown where there is no such word. */
  demos?: Readonly<Record<string, { summary: string; load(): Promise<Demo> }>>
  /** Lines of the examples below the help of `opslog` and of `opslog admin`. */
  examples?: { commands?: readonly string[]; admin?: readonly string[] }
  /** Name of an argument or an option → a query for what it may be, in a column `name`: for completion. */
  names?: Readonly<Record<string, string>>
  /** What it gave up, and what can be done about that. */
  deadLetters?(): Promise<DeadLetters>
  /** Whose events a key of an auditor may open. */
  tenants?: Tenants
}

export interface Tenants {
  /** The option that names one: `operator`. Contexts may share it. */
  option: string
  /** Whose events those are: `an operator’s`. */
  whose: string
  /** The tenant that this text names; undefined: it is the name of another context's. Rejects where there is no such tenant. */
  find(session: AdminSession, slugOrId: string): Promise<string | undefined>
}

/** The contexts' examples of these commands, as the help shows them. */
export const examplesOf = (clis: readonly ContextCli[], of: 'commands' | 'admin'): string =>
  ['\nExamples:', ...clis.flatMap(({ examples }) => examples?.[of] ?? [])].join('\n  ')
