/** User codes: eight letters that nobody confuses, in two groups. Compared without case, blanks and dashes. */
import { randomInt } from 'node:crypto'

const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const LENGTH = 8
const GROUP = 4

/** Without its hyphen. */
export const newUserCode = (): string =>
  Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('')

export const shownUserCode = (code: string): string => `${code.slice(0, GROUP)}-${code.slice(GROUP)}`

const FORM = new RegExp(`^[${LETTERS}]{${LENGTH}}$`)

/** As it is kept; undefined: nobody can have it. */
export function plainUserCode(given: string): string | undefined {
  const plain = given.replaceAll(/[\s-]/g, '').toUpperCase()
  return FORM.test(plain) ? plain : undefined
}
