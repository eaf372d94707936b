/** GET packages: credit that can be bought. One dollar paid is one dollar of credit. */
import { z } from '@hono/zod-openapi'
import { numberOf } from '../../../commands/killatamata/money.ts'
import { creditOf, packages } from '../../../commands/killatamata/packages.ts'
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { read } from '../access.ts'

const shown = z
  .object({
    ...{ code: z.string(), name: z.string(), usdCents: z.int(), creditUsdMicros: z.int() },
    currency: z.literal('USD'),
    providers: z.array(z.enum(['stripe', 'coinbase'])),
  })
  .openapi('CreditPackage')

export const listPackages = read({
  path: '/api/v1/packages',
  id: 'listPackages',
  tags: ['catalog'],
  summary: 'List available credit packages',
  description: 'The cheapest first.',
  access: publicAccess,
  answer: json(
    z.object({ ok: z.literal(true), packages: z.array(shown) }).openapi('PackageListResponse'),
    'The packages.',
  ),
  handle: () => ({
    ok: true as const,
    packages: packages.map((each) => ({
      ...{ ...each, creditUsdMicros: numberOf(creditOf(each)), currency: 'USD' as const },
      providers: ['stripe' as const, 'coinbase' as const],
    })),
  }),
})
