/** Schemas that several operations of rungate share. Bounds that the contract does not show are refinements. */
import { z } from '@hono/zod-openapi'
import { Decimal } from 'decimal.js'
import type { Author } from '../../events/rungate/vocabulary.ts'
import { complaint } from '../complaints.ts'
import { Problem } from '../errors.ts'
import { knowing, membersOf } from '../ignored-members.ts'
import { InexactNumber, JsonSource } from '../json.ts'
import { boundedText, recordOf, uuid } from '../schemas.ts'
import type { Operator } from './access.ts'
import type { RungateCode } from './errors.ts'

export const idParams = z.object({ id: uuid })

/** The envelopes of answers. */
export const dataOf = <S extends z.ZodType>(schema: S) => z.object({ data: schema })
export const listOfData = <S extends z.ZodType>(schema: S) => z.object({ data: z.array(schema), total: z.int() })

const NAME_LENGTH_MAX = 100
/** As it is kept: trimmed, without control characters. */
export const entityName = boundedText(4 * NAME_LENGTH_MAX)
  .transform((text) => text.trim())
  .refine(
    (text) => text.length > 0 && [...text].length <= NAME_LENGTH_MAX,
    `must have 1 to ${NAME_LENGTH_MAX} characters`,
  )
  .refine((text) => !/\p{Cc}/u.test(text), 'must have no control characters')
export const nameParams = z.object({ name: entityName })

const DESCRIPTION_LENGTH_MAX = 1_000
export const description = boundedText(DESCRIPTION_LENGTH_MAX)

/** A whole number within bounds that the document does not show. */
export const whole = (min: number, max: number) =>
  z.int().refine((given) => given >= min && given <= max, `must be from ${min} to ${max}`)

const USD_DIGITS_MAX = 30
/** US dollars as text, exactly as much as was sent. */
export const usdIn = z
  .union([z.number(), z.instanceof(InexactNumber)], { error: () => 'must be a number' })
  .transform((given, context) => {
    const text = given instanceof InexactNumber ? given.source : String(given)
    const amount = text.length > 2 * USD_DIGITS_MAX ? new Decimal(NaN) : new Decimal(text)
    const fits = amount.isFinite() && Math.abs(amount.e) <= USD_DIGITS_MAX && amount.decimalPlaces() <= USD_DIGITS_MAX
    if (!fits) context.addIssue(`must have at most ${USD_DIGITS_MAX} digits on each side of the point`)
    else if (amount.isNegative() && !amount.isZero()) context.addIssue('must not be negative')
    return fits ? amount.abs().toFixed() : '0'
  })
  .openapi({ type: 'number' })

/** A decimal in an answer: a number of JSON that is written from the text, digit by digit. */
export function decimalNumber(text: string): number
export function decimalNumber(text: string | null): number | null
export function decimalNumber(text: string | null): unknown {
  return text === null ? null : new JsonSource(text, new Decimal(text).toFixed())
}
export const usdOut = z.number()
export const nullableUsdOut = z.number().nullable()

/**
 * A body of which the contract leaves members out that are taken all the same. What neither knows has no effect, and the answer
 * says so.
 */
export const withMore = <D extends z.ZodObject, M extends z.ZodObject>(documented: D, more: M) => {
  const known = Object.keys(documented.shape)
  const taken = documented.transform((body, context) => {
    const given = body as Record<string, unknown>
    const result = more.safeParse(given, { error: complaint })
    for (const { path, message } of result.error?.issues ?? []) context.addIssue({ code: 'custom', path, message })
    const kept = Object.fromEntries(known.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])))
    return { ...kept, ...result.data } as z.output<D> & z.output<M>
  })
  const members = Object.entries({ ...documented.shape, ...more.shape })
  return knowing(taken, new Map(members.map(([name, member]) => [name, membersOf(member)])), [more])
}

/** What no installation may go beyond; how much each takes, its settings say (bounds.ts). */
const METADATA_MAX_BYTES = 131_072
/** As many as have room in so many bytes. */
const METADATA_MEMBERS_MAX = 20_000

/** Any JSON object; a number that would come back as another one is refused. */
export const metadata = recordOf(z.unknown(), METADATA_MEMBERS_MAX, METADATA_MAX_BYTES)
  .refine((given) => !holdsInexact(given), 'must hold no number of more than 15 digits')
  .refine(
    (given) => Buffer.byteLength(JSON.stringify(given)) <= METADATA_MAX_BYTES,
    `must have at most ${METADATA_MAX_BYTES} bytes`,
  )

const holdsInexact = (value: unknown): boolean =>
  value instanceof InexactNumber ||
  (typeof value === 'object' && value !== null && Object.values(value).some(holdsInexact))

/** Longer than any id of an account. */
const ACCOUNT_LENGTH_MAX = 255
/** The account, where a body names one: it has no effect but to be refused where it is another. */
const account = boundedText(ACCOUNT_LENGTH_MAX).nullish()
export const ofAccount = { org_id: account, workspace_id: account }

/** Throws account_elsewhere where the body names another account than the caller's. */
export function refuseElsewhere(
  body: { org_id?: string | null | undefined; workspace_id?: string | null | undefined },
  { accountId }: Operator,
): void {
  const isElsewhere = [body.org_id, body.workspace_id].some((id) => id != null && id.toLowerCase() !== accountId)
  if (isElsewhere) throw new Problem<RungateCode>('account_elsewhere', 'There is no such account.')
}

/** Who made and changed something, for answers. */
export const authors = {
  created_by: z.string().nullable(),
  updated_by: z.string().nullable(),
  created_by_token_id: z.string().nullable(),
  updated_by_token_id: z.string().nullable(),
}
export const authorsOf = ({ created_by: made, updated_by: changed }: { created_by: Author; updated_by: Author }) => ({
  ...{ created_by: made.id, updated_by: changed.id },
  ...{ created_by_token_id: made.tokenId, updated_by_token_id: changed.tokenId },
})

/** A whole number of a query from `min` on, of so many digits that a number here holds it. */
export const wholeText = (min: 0 | 1) =>
  boundedText(20)
    .refine((text) => (min === 0 ? /^\d{1,15}$/ : /^[1-9]\d{0,14}$/).test(text), `must be a whole number from ${min}`)
    .transform(Number)

/** A page's size; a greater one than there is stands for that. */
export const clampedLimit = (max: number) =>
  wholeText(1)
    .transform((given) => Math.min(given, max))
    .openapi({ type: 'integer', maximum: max })
    .optional()
