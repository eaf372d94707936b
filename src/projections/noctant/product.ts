/** Operators' products. */
import type { ProductEvent } from '../../events/noctant/product.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { boolean, integer, jsonb, numeric, text, time, uuid } from '../columns.ts'
import { columnsBut, columnsOf, defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { type NoctantDatabase, noctantTables, preparedOne } from './tables.ts'

type Created = Extract<ProductEvent, { type: 'noctant.ProductCreated.v1' }>['data']

export const products = defineTable({
  name: 'noctant_products',
  key: ['product_id'],
  columns: {
    product_id: uuid,
    operator_id: uuid,
    template_id: uuid,
    display_name: text,
    description: text.orNull,
    slug: text,
    price: numeric,
    currency: text,
    status: text.of<Created['status']>(),
    public_listing: boolean,
    display_order: integer,
    kyc_gate: text.of<Created['kycGate']>(),
    max_concurrent_per_user: integer.orNull,
    cooldown_hours_after_breach: integer.orNull,
    metadata: jsonb.of<NonNullable<Created['metadata']>>().orNull,
    /** As it was sent; null where it came before that was kept. */
    metadata_text: text.orNull,
    activated_at: time.orNull,
    archived_at: time.orNull,
    created_at: time,
    updated_at: time,
  },
  indexes: ['(slug)', '(operator_id, display_order, created_at, product_id)'],
  writeOnce: ['activated_at'],
})
/** What the contract's ProductView shows, but for the text that stands for `metadata` there. */
export type ProductRow = RowOf<typeof products>

type Standing = Pick<Created, 'status'> & { activatedAt: string | null; archivedAt: string | null; updatedAt: string }

const productRow = (facts: Created, standing: Standing) => ({
  ...snake(facts),
  metadata_text: facts.metadataText ?? null,
  ...snake(standing, 'status', 'activatedAt', 'archivedAt', 'updatedAt'),
  created_at: facts.occurredAt,
})

/** The view that a read shows of a product in this state. */
export const productView = (facts: Created, standing: Standing): ProductRow =>
  columnsOf(columnsBut<typeof products, never>(products), productRow(facts, standing))

export const productProjection = defineProjection<ProductEvent>({
  name: 'noctant.product',
  version: 3,
  onPoison: 'park',
  tables: [products],
  handlers: {
    'noctant.ProductCreated.v1': ({ data }) => [
      upsert(
        products,
        productRow(data, {
          status: data.status,
          activatedAt: data.status === 'active' ? data.occurredAt : null,
          archivedAt: data.status === 'archived' ? data.occurredAt : null,
          updatedAt: data.occurredAt,
        }),
      ),
    ],
    'noctant.ProductStatusChanged.v1': ({ data }) => [
      patch(products, snake(data, 'productId'), {
        status: data.to,
        updated_at: data.occurredAt,
        ...(data.to === 'active' ? { activated_at: data.occurredAt } : {}),
        ...(data.to === 'archived' ? { archived_at: data.occurredAt } : {}),
      }),
    ],
  },
})

const ofOperator = (db: NoctantDatabase, operatorId: string) =>
  db.selectFrom('noctant_products').selectAll().where('operator_id', '=', operatorId)

export const findProduct = preparedOne((db, operatorId: string, productId: string) =>
  ofOperator(db, operatorId).where('product_id', '=', productId),
)

export const findProductBySlug = preparedOne((db, operatorId: string, slug: string) =>
  ofOperator(db, operatorId).where('slug', '=', slug),
)

/** In the operator's own order, then the oldest first, at most `limit`. */
export const listProducts = (db: ReadModels, operatorId: string, limit = 1_000): Promise<ProductRow[]> =>
  ofOperator(noctantTables(db), operatorId)
    .orderBy('display_order')
    .orderBy('created_at')
    .orderBy('product_id')
    .limit(limit)
    .execute()
