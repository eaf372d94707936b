import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type ProductFacts, product } from '../../../src/commands/noctant/product.ts'
import type { ProductEvent, ProductStatus } from '../../../src/events/noctant/product.ts'
import { at, operatorFacts } from '../../support/examples/noctant.ts'
import { uuidOf } from '../../support/examples.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(product)
const { operatorId } = operatorFacts
const productId = uuidOf('product')
const facts: ProductFacts = {
  operatorId,
  templateId: uuidOf('template'),
  displayName: 'One step',
  description: null,
  slug: 'one-step',
  price: '499',
  currency: 'USD',
  status: 'draft',
  publicListing: true,
  displayOrder: 1,
  kycGate: 'none',
  maxConcurrentPerUser: null,
  cooldownHoursAfterBreach: null,
  metadata: null,
}
const create = (change: Partial<ProductFacts> = {}) =>
  ({ kind: 'create', facts: { ...facts, ...change }, productId, at: at(1) }) as const
const created = (change: Partial<ProductFacts> = {}): ProductEvent => ({
  type: 'noctant.ProductCreated.v1',
  data: { ...facts, price: '499.00', ...change, productId, occurredAt: at(1) },
})
const change = (to: ProductStatus, of = operatorId, when = at(2)) =>
  ({ kind: 'changeStatus', operatorId: of, to, reason: null, at: when }) as const
const changed = (from: ProductStatus, to: ProductStatus, when = at(2)): ProductEvent => ({
  type: 'noctant.ProductStatusChanged.v1',
  data: { productId, operatorId, from, to, reason: null, occurredAt: when },
})

describe('creating a product', () => {
  it.each([
    ['0', '0.00'],
    ['499', '499.00'],
    ['499.9', '499.90'],
    ['1e3', '1000.00'],
    ['9999999999999999.99', '9999999999999999.99'],
  ])('keeps a price of %s as %s', (price, kept) => {
    given([])
      .when(create({ price }))
      .then([created({ price: kept })])
  })
  it.each(['-0.01', '0.001', '10000000000000000', '1e20', 'free', ''])('refuses a price of %s', (price) => {
    given([]).when(create({ price })).then(rejects('invalid_price', '/price'))
  })
  it('refuses a currency that does not exist', () => {
    given([])
      .when(create({ currency: 'XQZ' }))
      .then(rejects('invalid_currency', '/currency'))
  })
  it('is refused where it exists', () => {
    given([created()]).when(create()).then(rejects('idempotency_key_reused'))
  })
})

describe('a product’s status', () => {
  const allowed = [
    'draft-active',
    'draft-hidden',
    'draft-archived',
    'active-hidden',
    'active-archived',
    'hidden-active',
    'hidden-archived',
  ]
  const all: ProductStatus[] = ['draft', 'active', 'hidden', 'archived']
  const pairs = all.flatMap((from) => all.filter((to) => to !== from).map((to) => [from, to] as const))

  it.each(pairs)('from %s to %s', (from, to) => {
    const outcome = allowed.includes(`${from}-${to}`) ? [changed(from, to)] : rejects('product_status_conflict')
    given([created({ status: from })])
      .when(change(to))
      .then(outcome)
  })
  it.each(all)('that is %s already stays without an event', (status) => {
    given([created({ status })])
      .when(change(status))
      .then([])
  })
  it('is not another operator’s to change', () => {
    given([created()])
      .when(change('active', uuidOf('other')))
      .then(rejects('product_not_found'))
    given([]).when(change('active')).then(rejects('product_not_found'))
  })
  it('remembers when it was first active, and when it was archived', () => {
    const history = [
      created(),
      changed('draft', 'active', at(2)),
      changed('active', 'hidden', at(3)),
      changed('hidden', 'active', at(4)),
    ]
    expect(fold(product, history)).toMatchObject({ activatedAt: at(2), archivedAt: null, updatedAt: at(4) })
    expect(fold(product, [...history, changed('active', 'archived', at(5))])).toMatchObject({ archivedAt: at(5) })
  })
})
