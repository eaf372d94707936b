/** POST /v1/products: makes a product of a template that the operator sees, once per key. */

import { z } from '@hono/zod-openapi'
import { createProduct as create, type ProductFacts } from '../../../commands/noctant/product.ts'
import { json } from '../../answers.ts'
import { jsonBody } from '../../body.ts'
import { bodyKey } from '../../command.ts'
import { InexactNumber, type JsonSource } from '../../json.ts'
import { boundedText, decimalInput, jsonSource, text, uuid } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { idempotencyKey, requestIdHeader } from '../schemas.ts'
import { int32, kycGate, productStatus, productView, viewOf } from './product-view.ts'

const INT32_MAX = 2 ** 31 - 1
const INT32_MIN = -(2 ** 31)
const limit = (min: number) =>
  z
    .int()
    .refine((value) => value >= min && value <= INT32_MAX, `must be a whole number from ${min} on`)
    .nullish()
    .openapi({ type: ['integer', 'null'], format: 'int32' })

/** Values in a product's metadata, inner ones among them. */
const METADATA_VALUES_MAX = 10_000

const request = z
  .object({
    idempotency_key: idempotencyKey,
    template_id: uuid,
    display_name: text(200, 1),
    description: text(5_000).nullish(),
    slug: text(63, 1).regex(
      /^[a-z0-9][a-z0-9_-]{0,62}$/,
      'must have small letters, digits, - and _ alone, the first a letter or digit',
    ),
    price: decimalInput,
    currency: boundedText(3).regex(/^[A-Z]{3}$/, 'must be three capital letters such as USD'),
    status: productStatus,
    public_listing: z.boolean(),
    display_order: int32.refine((value) => value >= INT32_MIN && value <= INT32_MAX, 'is out of range'),
    kyc_gate: kycGate,
    max_concurrent_per_user: limit(1),
    cooldown_hours_after_breach: limit(0),
    metadata: jsonSource(METADATA_VALUES_MAX),
  })
  .required({ metadata: true })
  .openapi('CreateProductRequest')

const sourceOf = (body: z.output<typeof request>) => body.metadata as JsonSource

/** With the nearest double for each number that none holds. */
function asDoubles(value: unknown): ProductFacts['metadata'] {
  if (value instanceof InexactNumber) return Number(value.source)
  if (Array.isArray(value)) return value.map(asDoubles)
  if (typeof value !== 'object' || value === null) return value as string | number | boolean | null
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, asDoubles(member)]))
}

function factsOf(operatorId: string, body: z.output<typeof request>) {
  return {
    operatorId,
    templateId: body.template_id,
    displayName: body.display_name,
    description: body.description ?? null,
    slug: body.slug,
    price: body.price,
    currency: body.currency,
    status: body.status,
    publicListing: body.public_listing,
    displayOrder: body.display_order,
    kycGate: body.kyc_gate,
    maxConcurrentPerUser: body.max_concurrent_per_user ?? null,
    cooldownHoursAfterBreach: body.cooldown_hours_after_breach ?? null,
    metadata: asDoubles(sourceOf(body).value),
    metadataText: sourceOf(body).source,
  }
}

export const createProduct = write({
  path: '/v1/products',
  id: 'createProduct',
  tags: ['Products'],
  summary: 'Make a product of a template',
  description: 'Sells the rules of a template under a price and a name of yours.',
  access: operatorKey('products:create'),
  headers: requestIdHeader,
  body: jsonBody(request, { verbatim: 'metadata' }),
  answers: { 201: json(productView, 'The product, as the first request with this key made it.') },
  refuses: [
    'invalid_currency',
    'invalid_price',
    'product_metadata_limit_reached',
    'product_slug_taken',
    'product_status_conflict',
    'template_not_found',
  ],
  key: bodyKey(),
  facts: ({ principal, body }) => factsOf(principal.operatorId, body),
  // White space and spellings of a number make no other request; digits that a double does not hold do.
  fingerprint: ({ metadataText: _, ...facts }, { body }) => ({ ...facts, metadata: sourceOf(body).value }),
  async handle({ bus, facts, command }) {
    const handled = await create(bus, facts, command)
    return { status: 201, body: viewOf(handled.state), handled }
  },
})
