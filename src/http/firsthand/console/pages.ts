/** Firsthand’s pages in the console. */
import type { ContextConsole } from '../../pages/declaration.ts'
import { consoleSignIn, type FirsthandParts } from '../access.ts'

export const firsthandConsole: ContextConsole<FirsthandParts> = {
  title: 'Firsthand',
  signIn: consoleSignIn,
  pages: [],
}
