/** The version of rungate's contract. */
export const VERSION = '0.1.0'
