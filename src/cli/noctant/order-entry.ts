/**
 * Order entry of the engine that runs on DATA_DIR, as the trader's terminal calls it: the answers' shapes, and one call.
 */
import { z } from 'zod'
import type { AdminTools } from '../admin-tools.ts'
import { CliError, EXIT, isFetchFailure, reasonOf } from '../terminal.ts'

const optionalText = z.string().nullable()
export const orderSchema = z.looseObject({
  orderId: z.string(),
  accountId: z.string(),
  symbol: z.string(),
  side: z.string(),
  orderType: z.string(),
  quantity: z.string(),
  limitPrice: optionalText,
  stopPrice: optionalText,
  takeProfit: optionalText,
  stopLoss: optionalText,
  timeInForce: z.string(),
  status: z.string(),
  filledQuantity: z.string(),
  averageFillPrice: optionalText,
  reasonCode: optionalText,
})
export const orderAnswerSchema = z.looseObject({ order: orderSchema, replayed: z.boolean() })
export const pricesSchema = z.looseObject({
  prices: z.array(
    z.object({ symbol: z.string(), description: z.string(), bid: z.string(), ask: z.string(), at: z.string() }),
  ),
})
const figures = {
  accountId: z.string(),
  tradingStatus: z.string(),
  currency: z.string(),
  balance: z.string(),
  equity: optionalText,
  freeMargin: optionalText,
  marginLevel: optionalText,
}
export const accountsSchema = z.looseObject({
  accounts: z.array(z.looseObject({ ...figures, positionCount: z.int(), workingOrderCount: z.int() })),
  next: optionalText,
})
export const accountSchema = z.looseObject({
  ...figures,
  leverage: z.int(),
  marginUsed: optionalText,
  positions: z.array(
    z.looseObject({
      symbol: z.string(),
      side: z.string(),
      quantity: z.string(),
      averageEntryPrice: z.string(),
      markPrice: optionalText,
      takeProfit: optionalText,
      stopLoss: optionalText,
      unrealizedPnl: optionalText,
    }),
  ),
  orders: z.array(orderSchema.omit({ accountId: true, status: true, reasonCode: true, averageFillPrice: true })),
})
const problemSchema = z.object({ code: z.string(), detail: z.string() })

export type Order = z.infer<typeof orderSchema>
export type Account = z.infer<typeof accountSchema>

/**
 * One call. Throws CliError with the exit code that the answer stands for.
 * @param lost what to do where no answer comes and the call may have had its effect.
 */
export async function callOrderEntry<T>(
  { running, dataDirectory }: AdminTools,
  method: string,
  path: string,
  schema: z.ZodType<T>,
  body?: object,
  lost?: string,
): Promise<T> {
  const { engine } = running()
  if (engine === null) {
    throw new CliError(
      EXIT.unreachable,
      `the instance of ${dataDirectory()} runs no engine`,
      'Start one with the role engine.',
    )
  }
  const headers = { authorization: `Bearer ${engine.token}`, 'content-type': 'application/json' }
  const response = await fetch(engine.url + path, { method, headers, body: body ? JSON.stringify(body) : null }).catch(
    (error: unknown) => {
      if (!isFetchFailure(error)) throw error
      throw new CliError(EXIT.unreachable, `the engine cannot be reached: ${reasonOf(error)}`, lost)
    },
  )
  const answer: unknown = await response.json()
  if (response.ok) return schema.parse(answer)
  const { code, detail } = problemSchema.parse(answer)
  const exitCode = response.status === 400 ? EXIT.usage : response.status >= 500 ? EXIT.unreachable : EXIT.refused
  throw new CliError(exitCode, `${code}: ${detail}`, response.status >= 500 ? lost : undefined)
}
