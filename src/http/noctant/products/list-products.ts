/** GET /v1/products: the operator's products, in its own display order. */
import { z } from '@hono/zod-openapi'
import { listProducts as query } from '../../../projections/noctant/product.ts'
import { json } from '../../answers.ts'
import { operatorKey, read } from '../access.ts'
import { productView, shown } from './product-view.ts'

const answer = z.object({ products: z.array(productView) }).openapi('ProductListResponse')

export const listProducts = read({
  path: '/v1/products',
  id: 'listProducts',
  tags: ['Products'],
  summary: 'The operator’s products',
  description: 'Answers the first 1,000 of your products, in the order of public pages.',
  access: operatorKey('products:read'),
  isList: true,
  answer: json(answer, 'The products, archived ones too.'),
  handle: async ({ db, principal }) => ({ products: (await query(db, principal.operatorId)).map(shown) }),
})
