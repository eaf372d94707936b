/**
 * Whose request it is: an address that the caller names and need not prove. It comes in any case, and a mix that does not check
 * (EIP-55) is no fault; from here on it has its checksum.
 */
import { z } from '@hono/zod-openapi'
import { type Address, checksummed, isAddress, ZERO_ADDRESS } from '../../adapters/chain/address.ts'
import type { RequestHead } from '../access.ts'
import { Problem } from '../errors.ts'
import type { OstiumCode } from './errors.ts'

const ADDRESS = '^0x[a-fA-F0-9]{40}$'
export const addressOut = z.string().openapi({ type: 'string', pattern: ADDRESS })

const TRADER_HEADER = 'x-trader-address'

/** Throws a Problem where no trader is named, or none that there can be. The header goes first, whatever it holds. */
export function traderFrom(inHeader: string | undefined, inQuery: unknown): Address {
  const given = inHeader ?? inQuery
  if (given === undefined) {
    throw new Problem<OstiumCode>(
      'trader_missing',
      'Name the trader: X-Trader-Address, or the query parameter address.',
    )
  }
  if (typeof given === 'string' && isAddress(given) && given !== ZERO_ADDRESS) return checksummed(given)
  const place = inHeader === undefined ? 'address' : 'X-Trader-Address'
  throw new Problem<OstiumCode>('trader_malformed', `${place} is to be 0x and 40 hex digits, and not the zero address.`)
}

export const traderIn = ({ header, query }: Pick<RequestHead, 'header' | 'query'>): Address =>
  traderFrom(header(TRADER_HEADER), query('address'))

/** For operations of a trader's, before anything else is looked at. */
export const needsTrader = (head: RequestHead): void => void traderIn(head)

interface Named {
  headers: { 'x-trader-address'?: string | undefined }
  query: { address?: unknown }
}
export const traderOf = ({ headers, query }: Named): Address => traderFrom(headers[TRADER_HEADER], query.address)

/** Nothing in a parameter is refused by its schema: what is bad has a code of its own, or is no fault at all. */
const lenient = (schema: object) =>
  z
    .unknown()
    .optional()
    .openapi({ type: 'string', ...schema })
const requestId = lenient({ format: 'uuid' })
const text = z.string().optional()
const trader = text.openapi({ type: 'string', pattern: ADDRESS })

export const query = z.object({ address: lenient({ pattern: ADDRESS }) })
export const headers = z.object({ [TRADER_HEADER]: trader, 'x-request-id': requestId })
export const keyHeaders = z.object({ [TRADER_HEADER]: trader, 'x-api-key': z.string(), 'x-request-id': requestId })
export const optionalKeyHeaders = z.object({ [TRADER_HEADER]: trader, 'x-api-key': text, 'x-request-id': requestId })
export const exchangeHeaders = z.object({ ...optionalKeyHeaders.shape, 'idempotency-key': text })
