/** GET /v1/products/{product_id}: one of the operator's products. */
import { createRoute, z } from '@hono/zod-openapi'
import { Rejected } from '../../commands/rejection.ts'
import { findProduct } from '../../projections/noctant/product.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { uuid } from '../schemas.ts'
import { productView } from './product-view.ts'
import { forOperator, type NoctantDeps } from './route.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/products/{product_id}',
  operationId: 'getProduct',
  tags: ['Products'],
  summary: 'A product by its id',
  ...forOperator('products:read'),
  request: { params: z.object({ product_id: uuid }) },
  responses: { 200: json(productView, 'The product.'), ...problemResponses },
})

export const getProduct = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const product = await findProduct(db, c.get('principal').operatorId, c.req.valid('param').product_id)
  if (!product) throw new Rejected('product_not_found', 'The operator has no product of this id.')
  return c.json(product, 200)
})
