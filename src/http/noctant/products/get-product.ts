/** GET /v1/products/{product_id}: one of the operator's products. */
import { z } from '@hono/zod-openapi'
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { findProduct } from '../../../projections/noctant/product.ts'
import { json } from '../../answers.ts'
import { uuid } from '../../schemas.ts'
import { operatorKey, read } from '../access.ts'
import { productView, shown } from './product-view.ts'

export const getProduct = read({
  path: '/v1/products/{product_id}',
  id: 'getProduct',
  tags: ['Products'],
  summary: 'A product by its id',
  description: 'Answers one of your products.',
  access: operatorKey('products:read'),
  params: z.object({ product_id: uuid }),
  answer: json(productView, 'The product.'),
  refuses: ['product_not_found'],
  async handle({ db, principal, params }) {
    const product = await findProduct(db, principal.operatorId, params.product_id)
    if (!product) throw new Rejected('product_not_found', 'The operator has no product of this id.')
    return shown(product)
  },
})
