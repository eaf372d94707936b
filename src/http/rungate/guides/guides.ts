/** The guides, in Markdown. Each is made for the address of the instance, so that its commands can be copied as they are. */
import { advancedTests } from './advanced-tests.ts'
import { coreTests } from './core-tests.ts'
import { reference } from './reference.ts'
import { setup } from './setup.ts'

/** By name; `base` is the address of this API: `https://api.example.com/rungate`. */
export const guides: ReadonlyMap<string, (base: string) => string> = new Map([
  ['setup', setup],
  ['core-tests', coreTests],
  ['advanced-tests', advancedTests],
  ['reference', reference],
])
