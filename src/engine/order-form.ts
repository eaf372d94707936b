/**
 * The bodies and queries of order entry, checked for form. Whether an order makes sense on an account is decided by
 * the core (orders.ts), and recorded.
 */
import { z } from 'zod'
import { Problem } from './problem.ts'

/** A positive decimal as text; the digits are those that the engine's contract can carry. */
const positive = z
  .string({ error: 'must be a decimal in quotes, such as "0.10"' })
  .regex(/^\d{1,20}(\.\d{1,18})?$/, 'must be a positive decimal without exponent, such as "0.10"')
  .refine((text) => /[1-9]/.test(text), 'must be greater than zero')
const price = positive.nullable().default(null)

const orderFormSchema = z
  .strictObject({
    /** Execution account id, or the beginning of it. */
    accountId: z.string().min(1).max(36),
    clientOrderId: z
      .string()
      .regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 visible ASCII characters')
      .nullable()
      .default(null),
    symbol: z.string().regex(/^[A-Z0-9._-]{1,20}$/, 'must be 1 to 20 capitals, digits, dots, dashes, underscores'),
    side: z.enum(['buy', 'sell']),
    orderType: z.enum(['market', 'limit', 'stop']).default('market'),
    quantity: positive,
    limitPrice: price,
    stopPrice: price,
    takeProfit: price,
    stopLoss: price,
    timeInForce: z.enum(['gtc', 'ioc', 'day']).optional(),
  })
  .superRefine((form, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    for (const type of ['limit', 'stop'] as const) {
      const name = `${type}Price` as const
      if (form.orderType === type && form[name] === null) issue(name, `is required for a ${type} order`)
      if (form.orderType !== type && form[name] !== null) issue(name, `belongs to ${type} orders only`)
    }
  })
  .transform((form) => ({ ...form, timeInForce: form.timeInForce ?? (form.orderType === 'market' ? 'ioc' : 'gtc') }))

export type OrderForm = z.infer<typeof orderFormSchema>

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * The order in a request's body.
 * @throws Problem 415, 400 with the fields that are wrong.
 */
export async function parseOrderForm(request: Request): Promise<OrderForm> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json')
    throw new Problem(415, 'unsupported_media_type', 'Send the order as application/json.')
  const bytes = await request.arrayBuffer()
  return checked(orderFormSchema, parseJson(bytes))
}

function parseJson(bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch {
    throw new Problem(400, 'malformed_json', 'The body is not JSON in UTF-8.')
  }
}

/** Keyset page of a list: at most `limitMax` rows after an id. */
export function parsePage(query: Record<string, string>, limitMax: number): { after: string; limit: number } {
  const schema = z.strictObject({
    after: z.string().max(36).default(''),
    limit: z.coerce.number().int().min(1).max(limitMax).default(Math.min(50, limitMax)),
  })
  return checked(schema, query)
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const errors = result.error.issues.map((issue) => ({
    pointer: `/${issue.path.map(String).join('/')}`,
    detail: issue.message,
  }))
  const fields = errors.map((error) => (error.pointer === '/' ? error.detail : `${error.pointer}: ${error.detail}`))
  throw new Problem(400, 'invalid_request', fields.join('; '), errors)
}
