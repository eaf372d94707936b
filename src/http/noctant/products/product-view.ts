/** A product as the contract shows it: the read model's row. */
import { z } from '@hono/zod-openapi'
import type { ProductState } from '../../../commands/noctant/product.ts'
import * as words from '../../../events/noctant/product.ts'
import { type ProductRow, productView as rowView } from '../../../projections/noctant/product.ts'
import { JsonSource } from '../../json.ts'
import { decimalOut, nullableTimeOut, timeOut, uuidOut } from '../../schemas.ts'

export const productStatus = z.enum(words.productStatus.options).openapi('ProductStatus')
export const kycGate = z.enum(words.kycGate.options).openapi('KycGate')

export const int32 = z.int().openapi({ type: 'integer', format: 'int32' })
export const nullableInt32 = z
  .int()
  .nullable()
  .openapi({ type: ['integer', 'null'], format: 'int32' })

export const productView = z
  .object({
    product_id: uuidOut,
    operator_id: uuidOut,
    template_id: uuidOut,
    display_name: z.string(),
    description: z.string().nullable().optional(),
    slug: z.string(),
    price: decimalOut,
    currency: z.string(),
    status: productStatus,
    public_listing: z.boolean(),
    display_order: int32,
    kyc_gate: kycGate,
    max_concurrent_per_user: nullableInt32.optional(),
    cooldown_hours_after_breach: nullableInt32.optional(),
    metadata: z.any(),
    activated_at: nullableTimeOut.optional(),
    archived_at: nullableTimeOut.optional(),
    created_at: timeOut,
    updated_at: timeOut,
  })
  .required({ metadata: true })
  .openapi('ProductView')

/** The view of a product after a command. Throws where there is none: no accepted command leaves it so. */
export function viewOf(state: ProductState) {
  if (state.status === 'absent') throw new Error('a product that was never created has no view')
  return shown(rowView(state.facts, state))
}

/** The view of a product's row: its metadata in the very text that was sent, as far as that is on record. */
export function shown({ metadata_text: source, metadata, ...row }: ProductRow) {
  // Undefined: a table of the release before, until it is rebuilt.
  return { ...row, metadata: source == null ? metadata : new JsonSource(metadata, source) }
}
