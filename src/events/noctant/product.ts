/** Facts of an operator's challenge products. Stream `noctant.product-<productId>`. Storage format. */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { decimal, time, uuid } from './vocabulary.ts'

export const productStatus = z.enum(['draft', 'active', 'hidden', 'archived'])
export type ProductStatus = z.infer<typeof productStatus>

/** Where a user of the product has to be verified. */
export const kycGate = z.enum(['none', 'challenge_start', 'payout_only', 'both'])
export type KycGate = z.infer<typeof kycGate>

export const productEvents = {
  'noctant.ProductCreated.v1': z.object({
    productId: uuid,
    operatorId: uuid,
    templateId: uuid,
    displayName: z.string(),
    description: z.string().nullable(),
    slug: z.string(),
    /** Two decimals. */
    price: decimal,
    currency: z.string(),
    status: productStatus,
    publicListing: z.boolean(),
    displayOrder: z.int(),
    kycGate,
    maxConcurrentPerUser: z.int().nullable(),
    cooldownHoursAfterBreach: z.int().nullable(),
    /** The operator's own JSON, as far as a double and an object of JavaScript hold it. */
    metadata: z.json(),
    /** The same in the operator's own text. Absent in older events. */
    metadataText: z.string().optional(),
    occurredAt: time,
  }),
  'noctant.ProductStatusChanged.v1': z.object({
    productId: uuid,
    operatorId: uuid,
    from: productStatus,
    to: productStatus,
    reason: z.string().nullable(),
    occurredAt: time,
  }),
}
export type ProductEvent = EventOf<typeof productEvents>

/** The claim that makes a slug unique within an operator. Stream `noctant.productSlug-<id of (operator, slug)>`. */
export const productSlugEvents = {
  'noctant.ProductSlugClaimed.v1': z.object({ operatorId: uuid, slug: z.string(), productId: uuid, occurredAt: time }),
}
export type ProductSlugEvent = EventOf<typeof productSlugEvents>

/** Room for a product's metadata, of what all of an operator's have. Stream `noctant.productSpace-<operatorId>`. */
export const productSpaceEvents = {
  'noctant.ProductSpaceReserved.v1': z.object({
    operatorId: uuid,
    slug: z.string(),
    /** Of the metadata's text in UTF-8. */
    bytes: z.int().positive(),
    occurredAt: time,
  }),
}
export type ProductSpaceEvent = EventOf<typeof productSpaceEvents>
