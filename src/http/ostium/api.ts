/** The ostium context's HTTP: its document, its keys, its refusals and limits, its operations. */
import { publicAccess } from '../access.ts'
import type { ContextApi } from '../context.ts'
import { uuidRequestIds } from '../request-id.ts'
import { type OstiumParts, rates, schemes, verifiers } from './access.ts'
import { ostiumConsole } from './console/pages.ts'
import { errors } from './errors.ts'
import { operations } from './operations.ts'
import { words } from './words.ts'

/** As they come; one that is none is replaced, and never a reason to refuse. */
const { form: _, ...requestIds } = uuidRequestIds('x-request-id')

export const ostium: ContextApi<OstiumParts> = {
  name: 'ostium',
  info: {
    title: 'Ostium transaction builder',
    version: '1.0.0',
    description: [
      'Turns a trader’s wish into calldata for perpetual futures. Without a key it hands out transactions that the trader signs and sends. With one an agent does the action for the trader, who pays no gas.',
      'Every request names its trader: the header `X-Trader-Address`, or the query parameter `address`. The address needs no proof; what it asks for is worth nothing without the trader’s signature on the chain.',
      'Amounts are decimals in text, and percentages are numbers. More places than the contracts have are refused, never rounded.',
      'A POST under `/v1/exchange` that is sent again under its `Idempotency-Key` is answered as it was the first time, with `Idempotency-Replayed: true`, and has no second effect.',
      'A refusal has an `error`, the status as its `code`, an `errorCode`, and `details` where there is more to say. The header `Link` (`rel="help"`) leads to a page that explains it.',
      'Limits show in `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`.',
    ].join('\n\n'),
  },
  words,
  tags: {
    Health: 'Whether this process answers.',
    OpenAPI: 'This document.',
    Trading: 'Positions and orders: opened, closed, cancelled, changed.',
    Auth: 'Agents that act for traders: made, verified, cancelled, revoked.',
    Agent: 'The same under older names, and what there is of an agent.',
    Market: 'Prices as they come.',
    Balance: 'What the trader has.',
  },
  schemes,
  securitySchemes: {
    traderAddress: {
      ...{ type: 'apiKey', in: 'header', name: 'X-Trader-Address' },
      description: 'The trader’s address: a claim, which needs no proof.',
    },
  },
  verifiers,
  access: publicAccess,
  errors,
  requestIds,
  rates,
  rateHeaders: 'X-RateLimit',
  bodyMaxBytes: 1_048_576,
  jsonTypes: ['text/plain'],
  faultsMax: 1_000,
  operations,
  console: ostiumConsole,
}
