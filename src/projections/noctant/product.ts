/** Operators' products. */
import type { ProductEvent } from '../../events/noctant/product.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, patch, upsert } from '../projection.ts'
import { type NoctantDatabase, noctantTables, preparedOne } from './tables.ts'

type Created = Extract<ProductEvent, { type: 'noctant.ProductCreated.v1' }>['data']

/** What the contract's ProductView shows. */
export type ProductRow = {
  product_id: string
  operator_id: string
  template_id: string
  display_name: string
  description: string | null
  slug: string
  /** Decimal as text. */
  price: string
  currency: string
  status: Created['status']
  public_listing: boolean
  display_order: number
  kyc_gate: Created['kycGate']
  max_concurrent_per_user: number | null
  cooldown_hours_after_breach: number | null
  metadata: Created['metadata']
  activated_at: string | null
  archived_at: string | null
  created_at: string
  updated_at: string
}

export const products = defineTable<ProductRow, 'product_id'>({
  name: 'noctant_products',
  key: ['product_id'],
  columns: {
    product_id: 'uuid NOT NULL',
    operator_id: 'uuid NOT NULL',
    template_id: 'uuid NOT NULL',
    display_name: 'text NOT NULL',
    description: 'text',
    slug: 'text NOT NULL',
    price: 'numeric NOT NULL',
    currency: 'text NOT NULL',
    status: 'text NOT NULL',
    public_listing: 'boolean NOT NULL',
    display_order: 'integer NOT NULL',
    kyc_gate: 'text NOT NULL',
    max_concurrent_per_user: 'integer',
    cooldown_hours_after_breach: 'integer',
    metadata: 'jsonb',
    activated_at: 'timestamptz(3)',
    archived_at: 'timestamptz(3)',
    created_at: 'timestamptz(3) NOT NULL',
    updated_at: 'timestamptz(3) NOT NULL',
  },
  indexes: ['(operator_id, display_order, created_at, product_id)'],
  writeOnce: ['activated_at'],
})

export const productProjection = defineProjection<ProductEvent>({
  name: 'noctant.product',
  version: 1,
  onPoison: 'park',
  tables: [products],
  handlers: {
    'noctant.ProductCreated.v1': ({ data }) => [
      upsert(products, {
        product_id: data.productId,
        operator_id: data.operatorId,
        template_id: data.templateId,
        display_name: data.displayName,
        description: data.description,
        slug: data.slug,
        price: data.price,
        currency: data.currency,
        status: data.status,
        public_listing: data.publicListing,
        display_order: data.displayOrder,
        kyc_gate: data.kycGate,
        max_concurrent_per_user: data.maxConcurrentPerUser,
        cooldown_hours_after_breach: data.cooldownHoursAfterBreach,
        metadata: data.metadata,
        activated_at: data.status === 'active' ? data.occurredAt : null,
        archived_at: data.status === 'archived' ? data.occurredAt : null,
        created_at: data.occurredAt,
        updated_at: data.occurredAt,
      }),
    ],
    'noctant.ProductStatusChanged.v1': ({ data }) => [
      patch(
        products,
        { product_id: data.productId },
        {
          status: data.to,
          updated_at: data.occurredAt,
          ...(data.to === 'active' ? { activated_at: data.occurredAt } : {}),
          ...(data.to === 'archived' ? { archived_at: data.occurredAt } : {}),
        },
      ),
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

/** In the operator's own order, then the oldest first. */
export const listProducts = (db: ReadModels, operatorId: string): Promise<ProductRow[]> =>
  noctantTables(db)
    .selectFrom('noctant_products')
    .selectAll()
    .where('operator_id', '=', operatorId)
    .orderBy('display_order')
    .orderBy('created_at')
    .orderBy('product_id')
    .execute()
