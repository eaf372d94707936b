/** What noctant's commands name by ids, or by beginnings of them. */
import type { Identified } from '../whole-id.ts'

export const identified = {
  operator: {
    kind: 'operator',
    places: async () => [[(await import('../../projections/noctant/operator.ts')).operators, 'operator_id']],
    listing: 'opslog admin operator list',
  },
  product: {
    kind: 'product',
    places: async () => [[(await import('../../projections/noctant/product.ts')).products, 'product_id']],
    listing: 'opslog admin product list',
  },
  template: {
    kind: 'template',
    places: async () => [[(await import('../../projections/noctant/template.ts')).templates, 'template_id']],
    listing: 'opslog admin template list',
  },
  order: {
    kind: 'order',
    places: async () => [[(await import('../../projections/noctant/order.ts')).orders, 'order_id']],
    listing: 'opslog engine accounts <account>',
  },
  feed: {
    kind: 'feed',
    places: async () => [[(await import('../../projections/noctant/feed.ts')).feeds, 'feed_id']],
    listing: 'opslog admin feed list',
  },
  challenge: {
    kind: 'challenge',
    places: async () => [[(await import('../../projections/noctant/challenge.ts')).challenges, 'instance_id']],
    listing: 'The console’s page /console/noctant/challenges',
  },
  webhook: {
    kind: 'webhook',
    places: async () => [[(await import('../../projections/noctant/webhook.ts')).deliveries, 'event_id']],
    listing: 'The console’s page /console/webhooks',
  },
} satisfies Record<string, Identified>
