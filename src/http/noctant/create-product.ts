/** POST /v1/products: makes a product of a template that the operator sees, once per key. */
import { createRoute, z } from '@hono/zod-openapi'
import { createProduct as create } from '../../commands/noctant/product.ts'
import { waitForReadModels } from '../consistency.ts'
import { idempotencyKey, idempotentCommand, markReplay } from '../idempotency.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { decimalInput, uuid } from '../schemas.ts'
import { int32, kycGate, productStatus, productView, productViewOf } from './product-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { requestIdHeader } from './schemas.ts'

const INT32_MAX = 2 ** 31 - 1
const limit = (min: number) =>
  z
    .int()
    .refine((value) => value >= min && value <= INT32_MAX, `is to be a whole number from ${min} on`)
    .nullish()
    .openapi({ type: ['integer', 'null'], format: 'int32' })

/** A number that no double holds would not be kept as it came. */
const anyJson = z.json()

const request = z
  .object({
    idempotency_key: z.string(),
    template_id: uuid,
    display_name: z.string().min(1).max(200),
    description: z.string().max(5_000).nullish(),
    slug: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/),
    price: decimalInput,
    currency: z.string().regex(/^[A-Z]{3}$/),
    status: productStatus,
    public_listing: z.boolean(),
    display_order: int32.refine((value) => Math.abs(value) <= INT32_MAX, 'is out of range'),
    kyc_gate: kycGate,
    max_concurrent_per_user: limit(1),
    cooldown_hours_after_breach: limit(0),
    metadata: z.any().refine((value) => anyJson.safeParse(value).success, 'is to be JSON'),
  })
  .required({ metadata: true })
  .openapi('CreateProductRequest')

const route = createRoute({
  method: 'post',
  path: '/v1/products',
  operationId: 'createProduct',
  tags: ['Products'],
  summary: 'Make a product of a template',
  ...forOperator('products:create'),
  request: {
    headers: requestIdHeader,
    body: { required: true, content: { 'application/json': { schema: request } } },
  },
  responses: {
    201: json(productView, 'The product, as the first request with this key made it.'),
    ...problemResponses,
  },
})

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
    metadata: body.metadata,
  }
}

export const createProduct = operation(route, ({ bus, clock, ...consistency }: NoctantDeps) => async (c) => {
  const { operatorId } = c.get('principal')
  const body = c.req.valid('json')
  const facts = factsOf(operatorId, body)
  const key = idempotencyKey(body.idempotency_key)
  const command = { context: 'noctant', action: 'createProduct', scope: '', key, request: facts }
  const created = await create(bus, facts, idempotentCommand(c, command, { at: clock().toISOString() }))
  markReplay(c, created)
  await waitForReadModels(c, created.position, consistency)
  return c.json(productViewOf(created.state), 201)
})
