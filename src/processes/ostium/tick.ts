/** Prices as they come and go: a tick of one feed. */
import { z } from 'zod'

const price = z.number().positive()

export const tick = z.object({
  /** `BTC-USD`. */
  feed_id: z.string().min(1).max(40),
  ...{ bid: price, mid: price, ask: price },
  ...{ isMarketOpen: z.boolean(), isDayTradingClosed: z.boolean() },
  secondsToToggleIsDayTradingClosed: z.number(),
  ...{ from: z.string().max(20), to: z.string().max(20) },
  timestampSeconds: z.number().nonnegative(),
})
export type Tick = z.infer<typeof tick>
