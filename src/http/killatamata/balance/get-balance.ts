/** GET balance: what the account can spend, what its open jobs hold, and what it owes. */
import { z } from '@hono/zod-openapi'
import { numberOf, usdText } from '../../../commands/killatamata/money.ts'
import { findBalance } from '../../../projections/killatamata/ledger.ts'
import { json } from '../../answers.ts'
import { nullableTimeOut } from '../../schemas.ts'
import { accountKey, read } from '../access.ts'

const answer = z
  .object({
    ...{ ok: z.literal(true), currency: z.literal('USD') },
    ...{ usdBalanceMicros: z.int(), usdBalance: z.string(), usdHeldMicros: z.int(), usdHeld: z.string() },
    ...{ usdOwedMicros: z.int(), updatedAt: nullableTimeOut },
  })
  .openapi('BalanceResponse')

export const getBalance = read({
  path: '/api/v1/balance',
  id: 'getBalance',
  tags: ['balance'],
  summary: 'Get USD balance',
  description: '`usdBalanceMicros` is what can be spent: deposits less charges and open holds.',
  access: accountKey,
  answer: json(answer, 'The balance.'),
  async handle({ db, principal: { accountId } }) {
    const row = await findBalance(db, accountId)
    const [available, held] = [BigInt(row?.available_micros ?? 0), BigInt(row?.held_micros ?? 0)]
    return {
      ...{ ok: true as const, currency: 'USD' as const },
      ...{ usdBalanceMicros: numberOf(available), usdBalance: usdText(available) },
      ...{ usdHeldMicros: numberOf(held), usdHeld: usdText(held) },
      ...{ usdOwedMicros: numberOf(BigInt(row?.owed_micros ?? 0)), updatedAt: row?.updated_at ?? null },
    }
  },
})
