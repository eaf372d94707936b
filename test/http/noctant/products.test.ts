import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programAccountIdOf } from '../../../src/commands/noctant/account.ts'
import { product } from '../../../src/commands/noctant/product.ts'
import { importTemplate, template, templateIdOf } from '../../../src/commands/noctant/template.ts'
import type { ProductStatus } from '../../../src/events/noctant/product.ts'
import type { TemplateTerms } from '../../../src/events/noctant/template.ts'
import { viewOf as productViewOf, shown } from '../../../src/http/noctant/products/product-view.ts'
import { findProduct } from '../../../src/projections/noctant/product.ts'
import { eventsOf } from '../../support/event-store.ts'
import { exampleTerms } from '../../support/examples/challenge.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { accountRequest, type TestOperator } from './serving.ts'

let api: Api
let acme: TestOperator
let other: TestOperator
const preset = templateIdOf(null, 'one-step')
beforeAll(async () => {
  api = await startApi()
  acme = await api.addOperator()
  other = await api.addOperator()
  await importing(null, 'one-step')
  await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'trader-1' } })
})
afterAll(() => api.stop())

const importing = (operatorId: string | null, key: string, terms: TemplateTerms = exampleTerms) =>
  importTemplate(api.bus, { operatorId, key, terms }, systemContext())
const archiving = (templateId: string) => {
  const context = systemContext()
  return api.bus.handle(template, templateId, { kind: 'archive', reason: null, at: context.at }, context)
}
const setStatus = async (productId: string, to: ProductStatus, operatorId = acme.operatorId) => {
  const context = systemContext()
  const command = { kind: 'changeStatus', operatorId, to, reason: null, at: context.at } as const
  const { position } = await api.bus.handle(product, productId, command, context)
  await api.waiter.waitFor(position!, 5_000)
}

let slugs = 0
const request = (overrides: Record<string, unknown> = {}) => ({
  idempotency_key: randomUUID(),
  template_id: preset,
  display_name: 'One step',
  slug: `one-step-${++slugs}`,
  price: '499',
  currency: 'USD',
  status: 'active',
  public_listing: true,
  display_order: 1,
  kyc_gate: 'none',
  metadata: {},
  ...overrides,
})
const create = (body: object = request(), key = acme.key) => api.call('POST', '/v1/products', { key, body })
const read = (id: string, key = acme.key) => api.call('GET', `/v1/products/${id}`, { key })

describe('createProduct', () => {
  it('answers 201 with the product, which can be read at once', async () => {
    const metadata = { campaign: ['spring', null, 1.5], nested: { deep: true } }
    const answer = await create(request({ description: 'The first', max_concurrent_per_user: 2, metadata }))
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({ price: '499.00', operator_id: acme.operatorId, template_id: preset, metadata })
    expect(answer.body.activated_at).toBe(answer.body.created_at)
    expect((await read(answer.body.product_id)).body).toStrictEqual(answer.body)
  })

  it('answers a repeat with the original, whatever has changed since', async () => {
    await importing(acme.operatorId, 'passing')
    const body = request({ template_id: templateIdOf(acme.operatorId, 'passing') })
    const first = await create(body)
    await setStatus(first.body.product_id, 'archived')
    await archiving(templateIdOf(acme.operatorId, 'passing'))
    const second = await create({ ...body, price: 499.0, description: null })
    expect([second.status, second.body]).toStrictEqual([201, first.body])
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect((await read(first.body.product_id)).body).toMatchObject({ status: 'archived' })
  })

  it('keeps metadata to the letter: order of names, spelling of numbers, 64 bits, white space', async () => {
    const metadata = '{ "b": 1.0, "2": 9223372036854775807, "1": [1e2, "ä\\u00e4"],  "a": {"x":0.10}}'
    const rawOf = (body: object, text = metadata) =>
      JSON.stringify({ ...body, metadata: 0 }).replace('"metadata":0', `"metadata" : ${text} `)
    const body = request()
    const textOf = async (method: string, path: string, raw?: string) => {
      const headers = { authorization: `Bearer ${acme.key}`, ...(raw ? { 'content-type': 'application/json' } : {}) }
      const answer = await fetch(`${api.url}/noctant/v1/products${path}`, {
        method,
        headers,
        ...(raw && { body: raw }),
      })
      return { status: answer.status, text: await answer.text() }
    }
    const made = await textOf('POST', '', rawOf(body))
    expect([made.status, made.text.includes(`"metadata":${metadata}`)]).toStrictEqual([201, true])
    const { product_id } = JSON.parse(made.text)
    expect((await textOf('GET', `/${product_id}`)).text).toBe(made.text)
    expect((await textOf('GET', '')).text).toContain(made.text)
    expect((await textOf('POST', '', rawOf(body))).text).toBe(made.text)
    expect((await textOf('POST', '', rawOf(body, metadata.replace('1.0', '1').replace('  ', '')))).status).toBe(201)
    expect((await textOf('POST', '', rawOf(body, metadata.replace('5807', '5806')))).status).toBe(409)
    expect((await textOf('POST', '', rawOf(request(), '{"n":1e999}'))).status).toBe(400)
    expect(await api.bus.load(product, product_id)).toMatchObject({
      facts: { metadata: { b: 1, a: { x: 0.1 } }, metadataText: metadata },
    })
  })

  it('bounds the metadata of all products together, for a list shows them; small ones and repeats are taken', async () => {
    const large = await api.addOperator()
    const note = 'x'.repeat(60_000)
    const bodies = Array.from({ length: 20 }, () => request({ metadata: { note } }))
    // All at once: a bound that is asked of what has been written so far would let them pass.
    const made = await Promise.all(bodies.map((body) => create(body, large.key)))
    const statuses = made.map(({ status }) => status)
    expect(statuses.filter((status) => status === 201)).toHaveLength(17)
    expect(made.find(({ status }) => status !== 201)).toMatchObject({
      status: 409,
      body: { code: 'product_metadata_limit_reached' },
    })
    expect((await create(request({ metadata: { note: 'small' } }), large.key)).status).toBe(201)
    const again = await create(bodies[statuses.indexOf(201)], large.key)
    expect([again.status, again.headers.get('idempotency-replayed')]).toStrictEqual([201, 'true'])
    expect((await create(request({ metadata: { note } }))).status).toBe(201)
  })

  it('answers 409 to a key that comes with other facts', async () => {
    const body = request()
    await create(body)
    for (const change of [{ price: '499.01' }, { slug: 'other' }, { metadata: { a: 1 } }, { display_order: 2 }]) {
      const answer = await create({ ...body, ...change })
      expect([change, answer.status, answer.body.code]).toStrictEqual([change, 409, 'idempotency_key_reused'])
    }
  })

  it('gives a slug to one product of the operator, however many ask at once, and to another operator as well', async () => {
    const slug = 'wanted'
    const answers = await Promise.all(Array.from({ length: 10 }, () => create(request({ slug }))))
    expect(answers.map(({ status }) => status).toSorted()).toStrictEqual([201, ...Array(9).fill(409)])
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      code: 'product_slug_taken',
      errors: [{ pointer: '/slug' }],
    })
    expect((await create(request({ slug }), other.key)).status).toBe(201)
  })

  it('sent twenty times at once to two processes makes one product', async () => {
    const body = request()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 ? api.callSecond : api.call)('POST', '/v1/products', { key: acme.key, body }),
      ),
    )
    expect(new Set(answers.map((answer) => JSON.stringify([answer.status, answer.body]))).size).toBe(1)
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1)
  })

  it.each([
    ['a price of three decimals', { price: '1.001' }, '/price'],
    ['a price below zero', { price: -1 }, '/price'],
    ['a price in words', { price: 'free' }, '/price'],
    ['a currency in small letters', { currency: 'usd' }, '/currency'],
    ['a currency that does not exist', { currency: 'XQZ' }, '/currency'],
    ['a slug with a space', { slug: 'one step' }, '/slug'],
    ['a slug of 64 characters', { slug: 'x'.repeat(64) }, '/slug'],
    ['an unknown status', { status: 'sold' }, '/status'],
    ['an unknown gate', { kyc_gate: 'always' }, '/kyc_gate'],
    ['no challenge at once', { max_concurrent_per_user: 0 }, '/max_concurrent_per_user'],
    ['a cool-down before the breach', { cooldown_hours_after_breach: -1 }, '/cooldown_hours_after_breach'],
    ['an order that is no whole number', { display_order: 1.5 }, '/display_order'],
    ['an order below 32 bits', { display_order: -2_147_483_649 }, '/display_order'],
    ['an order above 32 bits', { display_order: 2_147_483_648 }, '/display_order'],
    ['no metadata', { metadata: undefined }, '/metadata'],
    ['a key with a space', { idempotency_key: 'a b' }, '/idempotency_key'],
    ['an empty name', { display_name: '' }, '/display_name'],
  ])('refuses %s with 400 and claims no slug', async (_, change, pointer) => {
    const body = request(change)
    const answer = await create(body)
    expect([answer.status, answer.body.errors?.[0]?.pointer]).toStrictEqual([400, pointer])
    if (!('slug' in change)) expect((await create(request({ slug: body.slug }))).status).toBe(201)
  })

  it('answers 404 for templates that the operator does not see', async () => {
    const [first, second] = exampleTerms.steps
    await importing(other.operatorId, 'theirs')
    await importing(acme.operatorId, 'archived')
    await archiving(templateIdOf(acme.operatorId, 'archived'))
    const fresh = { ...exampleTerms, steps: [first!, { ...second!, advancement: 'fresh_account' as const }] }
    await importing(acme.operatorId, 'fresh', fresh)
    const hidden = [randomUUID(), templateIdOf(other.operatorId, 'theirs')]
    for (const key of ['archived', 'fresh']) hidden.push(templateIdOf(acme.operatorId, key))
    for (const template_id of hidden) {
      const answer = await create(request({ template_id }))
      expect([answer.status, answer.body.code]).toStrictEqual([404, 'template_not_found'])
    }
  })
})

describe('products', () => {
  it('are another operator’s own', async () => {
    const { body } = await create()
    const answer = await read(body.product_id, other.key)
    expect([answer.status, answer.body.code]).toStrictEqual([404, 'product_not_found'])
    expect((await read(randomUUID())).body.detail).toBe(answer.body.detail)
  })

  it('are listed in their display order, then the oldest first', async () => {
    const lister = await api.addOperator()
    expect((await api.call('GET', '/v1/products', { key: lister.key })).body).toStrictEqual({ products: [] })
    for (const [slug, display_order] of [
      ['d', 2_147_483_647],
      ['c', 2],
      ['a', -2_147_483_648],
      ['b', -2_147_483_648],
    ] as const) {
      await create(request({ slug, display_order }), lister.key)
    }
    const { body } = await api.call('GET', '/v1/products', { key: lister.key })
    expect(body.products.map(({ slug }: { slug: string }) => slug)).toStrictEqual(['a', 'b', 'c', 'd'])
  })

  it('are shown as the read model has them, after every change of status', async () => {
    const { body } = await create(request({ status: 'draft' }))
    for (const status of ['active', 'hidden', 'active', 'archived'] as const) {
      await setStatus(body.product_id, status)
      const state = await api.bus.load(product, body.product_id)
      const row = await findProduct(api.db, acme.operatorId, body.product_id)
      expect(productViewOf(state)).toStrictEqual(shown(row!))
    }
  })
})

describe('an account for a product', () => {
  let accounts = 0
  const open = (product_id: string, change: object = {}, id = `for-product-${++accounts}`) =>
    api.call('POST', '/v1/accounts', {
      key: acme.key,
      body: accountRequest(id, { product_id, rules_owner: 'noctant', ...change }),
    })
  const opened = async (id: string) =>
    (await eventsOf(api.store, `noctant.account-${programAccountIdOf(acme.operatorId, id)}`)).length

  it.each(['active', 'hidden'])('is opened where the product is %s, and names it', async (status) => {
    const { body } = await create(request({ status }))
    const answer = await open(body.product_id)
    expect(answer.status).toBe(201)
    expect(answer.body.account.product_id).toBe(body.product_id)
  })

  it('is answered as at first when it is asked for again, though the product is no longer for sale', async () => {
    const { body } = await create()
    const first = await open(body.product_id, {}, 'kept')
    await setStatus(body.product_id, 'archived')
    const second = await open(body.product_id, {}, 'kept')
    expect([second.status, second.body]).toStrictEqual([200, { ...first.body, created: false }])
    const late = await open(body.product_id, {}, 'late')
    expect([late.status, late.body.code]).toStrictEqual([409, 'product_not_sellable'])
    expect(await opened('late')).toBe(0)
  })

  it('is refused for a draft, for a hidden template, and with rules of others', async () => {
    const draft = await create(request({ status: 'draft' }))
    expect((await open(draft.body.product_id)).body.code).toBe('product_not_sellable')
    await importing(acme.operatorId, 'gone')
    const gone = await create(request({ template_id: templateIdOf(acme.operatorId, 'gone') }))
    await archiving(templateIdOf(acme.operatorId, 'gone'))
    const answer = await open(gone.body.product_id)
    expect([answer.status, answer.body.code]).toStrictEqual([409, 'product_not_sellable'])
    const { body } = await create()
    const partner = await open(body.product_id, { rules_owner: 'partner' })
    expect([partner.status, partner.body.errors]).toMatchObject([400, [{ pointer: '/rules_owner' }]])
  })

  it('is refused for another operator’s product', async () => {
    const { body } = await create(request(), other.key)
    const answer = await open(body.product_id)
    expect([answer.status, answer.body.code]).toStrictEqual([404, 'product_not_found'])
  })
})
