/** What noctant's commands name by ids, or by beginnings of them. */
import { challenges } from '../../projections/noctant/challenge.ts'
import { feeds } from '../../projections/noctant/feed.ts'
import { operators } from '../../projections/noctant/operator.ts'
import { orders } from '../../projections/noctant/order.ts'
import { products } from '../../projections/noctant/product.ts'
import { templates } from '../../projections/noctant/template.ts'
import { deliveries } from '../../projections/noctant/webhook.ts'
import type { Identified } from '../whole-id.ts'

export const identified = {
  operator: { kind: 'operator', places: [[operators, 'operator_id']], listing: 'opslog admin operator list' },
  product: { kind: 'product', places: [[products, 'product_id']], listing: 'opslog admin product list' },
  template: { kind: 'template', places: [[templates, 'template_id']], listing: 'opslog admin template list' },
  order: { kind: 'order', places: [[orders, 'order_id']], listing: 'opslog engine accounts <account>' },
  feed: { kind: 'feed', places: [[feeds, 'feed_id']], listing: 'opslog admin feed list' },
  challenge: {
    kind: 'challenge',
    places: [[challenges, 'instance_id']],
    listing: 'The console’s page /console/noctant/challenges',
  },
  webhook: {
    kind: 'webhook',
    places: [[deliveries, 'event_id']],
    listing: 'The console’s page /console/webhooks',
  },
} satisfies Record<string, Identified>
