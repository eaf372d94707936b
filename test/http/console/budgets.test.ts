/** What pages may take: bytes of each, statements to Postgres of each, and all scripts together. */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { apis } from '../../support/contexts.ts'
import { type Api, startApi } from '../api.ts'
import { accountRequest, type TestOperator } from '../noctant/serving.ts'
import { administrator, type Visitor } from './browsing.ts'

const LIST_MAX_BYTES = 80_000
const SCRIPTS_MAX_BYTES = 60_000
/** A list: its session, its rows, and what is above it. */
const LIST_STATEMENTS_MAX = 4
/** Lists whose pages have plots, or more than one table. */
const MORE: Readonly<Record<string, number>> = {
  '': 18,
  '/projections': 50,
  '/commands': 6,
  '/webhooks': 7,
  '/dead-letters': 6,
  '/events': 8,
  '/seals': 6,
}
/** Accounts: more than a page of them. */
const ACCOUNTS = 60

const pages = apis
  .flatMap(({ console }) => console?.pages ?? [])
  .filter(({ path, audience }) => !path.includes('/:') && audience.includes('administrator'))

let api: Api
let acme: TestOperator
let admin: Visitor
let accountId: string
beforeAll(async () => {
  api = await startApi()
  acme = await api.addOperator()
  admin = await administrator(api)
  await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'trader-1' } })
  for (let each = 0; each < ACCOUNTS; each++) {
    const { body } = await api.call('POST', '/v1/accounts', {
      key: acme.key,
      body: accountRequest(`ACC-BUDGET-${each}`),
    })
    accountId = body.account.account_id
  }
  await vi.waitFor(
    async () => expect((await admin.get(`/console/noctant/accounts/${accountId}`)).status).toBe(200),
    10_000,
  )
}, 120_000)
afterAll(() => api.stop())

/** The least of some looks: the process asks for things of its own meanwhile. */
async function statementsOf(path: string): Promise<number> {
  const counts: number[] = []
  for (let look = 0; look < 5; look++) {
    const before = api.statements()
    expect((await admin.get(path)).status).toBeLessThan(400)
    counts.push(api.statements() - before)
  }
  return Math.min(...counts)
}

describe('a list', () => {
  it.each(pages.map(({ path }) => path))('%s is small, and asks little', async (path) => {
    const { text } = await admin.get(`/console${path}`)
    expect(Buffer.byteLength(text)).toBeLessThan(LIST_MAX_BYTES)
    expect(await statementsOf(`/console${path}`)).toBeLessThanOrEqual(MORE[path] ?? LIST_STATEMENTS_MAX)
  })

  it('of more things asks no more', async () => {
    const few = await statementsOf('/console/noctant/accounts?limit=25')
    expect(await statementsOf('/console/noctant/accounts?limit=100')).toBe(few)
  })
})

it('an account’s page is small, and asks for each of its tables once', async () => {
  const { text } = await admin.get(`/console/noctant/accounts/${accountId}`)
  expect(Buffer.byteLength(text)).toBeLessThan(LIST_MAX_BYTES)
  expect(await statementsOf(`/console/noctant/accounts/${accountId}`)).toBeLessThanOrEqual(14)
})

it('all scripts together are small', async () => {
  const { page } = await admin.get('/console')
  const sizes = page.querySelectorAll('script[src]').map(async (script) => {
    const { text } = await admin.get(script.getAttribute('src') ?? '')
    return gzipSync(text).length
  })
  const all = (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0)
  expect(all).toBeGreaterThan(10_000)
  expect(all).toBeLessThan(SCRIPTS_MAX_BYTES)
})
