/** Rungate’s pages in the console. */
import type { ContextConsole } from '../../pages/declaration.ts'
import { consoleSignIn, type RungateParts } from '../access.ts'

export const rungateConsole: ContextConsole<RungateParts> = {
  title: 'Rungate',
  signIn: consoleSignIn,
  pages: [],
}
