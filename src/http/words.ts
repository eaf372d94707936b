/**
 * What a context's document says of its members and parameters. A name means the same wherever it occurs, so that it is
 * described once; `Schema.name` describes it for one schema or operation alone. The examples of requests and answers are
 * put together from the same values.
 */

/** What a name means, with units and bounds; and a value of it, where its schema does not suffice for one. */
export type Word = string | readonly [says: string, example: unknown]
export type Words = Readonly<Record<string, Word>>

/** The values of the examples, one story: a trader, an account, and a day. */
export const exampleTime = (minute: number): string => `2026-03-02T09:${String(minute).padStart(2, '0')}:00.000Z`
export const exampleId = (n: number): string => `0b4ee4a5-7b02-5c0f-8b5b-${String(n).padStart(12, '0')}`

/** The word for a member of `owner`, an operation or a named schema. */
export const wordFor = (words: Words, owner: string, name: string): Word | undefined =>
  words[`${owner}.${name}`] ?? words[name]

export const saysOf = (word: Word | undefined): string | undefined => (typeof word === 'string' ? word : word?.[0])
