/** GET /v1/products: all of the operator's products, in its own display order. */
import { createRoute, z } from '@hono/zod-openapi'
import { listProducts as list } from '../../projections/noctant/product.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { productView } from './product-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'

const answer = z.object({ products: z.array(productView) }).openapi('ProductListResponse')

const route = createRoute({
  method: 'get',
  path: '/v1/products',
  operationId: 'listProducts',
  tags: ['Products'],
  summary: 'The operator’s products',
  ...forOperator('products:read'),
  responses: { 200: json(answer, 'Every product, archived ones too.'), ...problemResponses },
})

export const listProducts = operation(route, ({ db }: NoctantDeps) => async (c) => {
  return c.json({ products: await list(db, c.get('principal').operatorId) }, 200)
})
