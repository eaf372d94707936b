/** Text that somebody else wrote, such as a contract's reason: one line, and not too long. */
const LENGTH_MAX = 200

export const printable = (text: string): string =>
  [...text.replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()].slice(0, LENGTH_MAX).join('')
