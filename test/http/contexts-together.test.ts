/** All contexts served together: the pages that they declare in the console, and that keys of one open no other. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { apis } from '../support/contexts.ts'
import { type Api, startApi } from './api.ts'
import { administrator, fieldIn, formIn, headingOf, operator, type Visitor } from './console/browsing.ts'
import { addBuyer, type Buyer, postJob } from './firsthand/buyers.ts'
import { type Account, registered } from './rungate/accounts.ts'
import { approvalAsked, callMade } from './rungate/calls.ts'

let api: Api
let admin: Visitor
let buyer: Buyer
let account: Account
beforeAll(async () => {
  api = await startApi()
  ;[admin, buyer, account] = await Promise.all([administrator(api), addBuyer(api, { cents: 100_000 }), registered(api)])
})
afterAll(() => api.stop())

const contexts = ['firsthand', 'rungate']
const lists = apis.flatMap(({ name, console }) =>
  contexts.includes(name) ? (console?.pages ?? []).filter(({ path }) => !path.includes('/:')) : [],
)

it('a key of one opens nothing of another, but for buyers’ keys, which read their own log', async () => {
  const [{ key: operators }, { key: auditors }] = [await api.addOperator(), await api.addAuditor(null)]
  const keys = { noctant: operators, audit: auditors, firsthand: buyer.key, rungate: account.token }
  const paths = { noctant: '/v1/me', audit: '/v1/history/nothing', firsthand: '/v1/jobs', rungate: '/api/agents' }
  for (const [context, path] of Object.entries(paths)) {
    const opening = []
    for (const [of, key] of Object.entries(keys)) {
      const { status, body } = await fetch(`${api.url}/${context}${path}`, {
        headers: { authorization: `Bearer ${key}` },
      })
      await body?.cancel()
      if (![401, 403].includes(status)) opening.push(of)
    }
    expect([context, opening]).toStrictEqual([context, context === 'audit' ? ['audit', 'firsthand'] : [context]])
  }
})

it.each(lists.map(({ path, title }) => [path, title]))('%s is a list', async (path, title) => {
  const seen = await admin.get(`/console${path}`)
  expect([seen.status, headingOf(seen)]).toEqual([200, title])
  for (const format of ['csv', 'json']) expect((await admin.get(`/console${path}?format=${format}`)).status).toBe(200)
})

/** The page that the list's first row leads to, once the list has it. */
async function firstOf(path: string, text: string) {
  const href = await vi.waitFor(async () => {
    const { page } = await admin.get(path)
    const row = page.querySelectorAll('tbody tr').find((each) => each.text.includes(text))
    const found = row?.querySelector('a')?.getAttribute('href')
    expect(found).toBeDefined()
    return found ?? ''
  }, 10_000)
  const seen = await admin.get(href)
  expect([href, seen.status]).toEqual([href, 200])
  return seen
}

describe('firsthand', () => {
  it('shows a job with its fields, the ledger that it is held in, and who posted it', async () => {
    const { body } = await postJob(api, buyer.key, { description: '<img src=x> doors' })
    const seen = await firstOf('/console/firsthand/jobs', '<img src=x> doors')
    expect([fieldIn(seen, 'status'), fieldIn(seen, 'files_needed')]).toEqual(['open', '4'])
    expect(seen.page.querySelector('main img')).toBeNull()
    expect((await firstOf('/console/firsthand/ledger', buyer.organizationId.slice(-8))).status).toBe(200)
    expect(headingOf(await firstOf('/console/firsthand/organizations', 'Acme Pictures'))).toContain('Acme Pictures')
    const found = await admin.get(`/console/find?q=${body.id}`)
    expect([found.status, found.location]).toEqual([303, `/console/firsthand/jobs/${body.id}`])
  })

  it('lets an organization in by its key, to what is its own alone', async () => {
    const own = await operator(api, buyer.key)
    expect((await own.get('/console')).status).toBe(200)
    const { body } = await postJob(api, buyer.key, { description: 'a job of our own' })
    const other = await addBuyer(api, { cents: 100_000 })
    const { body: others } = await postJob(api, other.key, { description: 'a job of others' })
    await vi.waitFor(async () => {
      const { status, text } = await own.get('/console/firsthand/jobs')
      expect([status, text.includes('a job of our own'), text.includes('a job of others')]).toEqual([200, true, false])
    }, 10_000)
    expect((await own.get(`/console/firsthand/jobs/${body.id}`)).status).toBe(200)
    expect((await own.get(`/console/firsthand/jobs/${others.id}`)).status).toBe(404)
    expect((await own.get('/console/firsthand/figures')).page.querySelectorAll('figure.plot')).toHaveLength(4)
    for (const path of ['workers', 'organizations'])
      expect((await own.get(`/console/firsthand/${path}`)).status).toBe(404)
    expect((await own.get(`/console/find?q=${account.agentId}`)).status).toBe(404)
    expect((await own.get(`/console/history/${account.agentId}`)).status).toBe(404)
    expect((await own.get(`/console/history/${buyer.organizationId}`)).status).toBe(200)
  })
})

describe('rungate', () => {
  it('shows a run with its steps, its agent and its policy, and what waits for an approval', async () => {
    const { runId } = await callMade(api, account)
    await approvalAsked(api, account, runId, { sealedRequest: 'sealed-text' })
    const seen = await firstOf('/console/rungate/runs', runId.slice(0, 8))
    expect(fieldIn(seen, 'run_id')).toContain(runId)
    await vi.waitFor(async () => {
      const { page } = await admin.get(`/console/rungate/runs/${runId}`)
      expect(page.querySelectorAll('tbody tr').length).toBeGreaterThan(0)
    }, 10_000)
    const approval = await firstOf('/console/rungate/approvals', 'delete_file')
    expect([fieldIn(approval, 'status'), approval.text.includes('sealed-text')]).toEqual(['pending', false])
    const path = approval.page.querySelector('a.button[href$="/actions/approve"]')?.getAttribute('href') ?? ''
    const form = await admin.get(path)
    expect(form.page.querySelector('.says')?.text).toMatch(/Lets through\s+the call of delete_file/)
    const done = await admin.follow(await admin.post(path, formIn(form)))
    expect(done.page.querySelector('.message')?.text).toContain('let through')
    await vi.waitFor(async () => {
      const again = await admin.get(path)
      expect(again.page.querySelector('[role=alert]')?.text).toContain('It is decided: approved.')
    }, 10_000)
    const late = path.replace('/approve', '/reject')
    expect((await admin.post(late, { ...formIn(form), reason: 'too late' })).status).toBe(409)
    const agent = await admin.get(`/console/rungate/agents/${account.agentId}`)
    expect([agent.status, fieldIn(agent, 'key_hash')]).toEqual([200, undefined])
    const policy = await admin.get(`/console/rungate/policies/${account.policyId}`)
    expect([policy.status, policy.page.querySelectorAll('tbody tr').length]).toEqual([200, 1])
  })

  it('lets an account in by its token, to what is its own alone', async () => {
    const own = await operator(api, account.token)
    expect((await own.get('/console')).status).toBe(200)
    const other = await registered(api)
    const { runId } = await callMade(api, account)
    const { runId: others } = await callMade(api, other)
    await vi.waitFor(async () => {
      const { status, text } = await own.get('/console/rungate/runs')
      expect([status, text.includes(runId), text.includes(others)]).toEqual([200, true, false])
    }, 10_000)
    expect((await own.get(`/console/rungate/runs/${others}`)).status).toBe(404)
    const spend = await own.get('/console/rungate/spend')
    expect([spend.status, spend.page.querySelectorAll('figure.plot').length]).toEqual([200, 4])
    expect(spend.page.querySelector('[aria-label="Budgets by policy"]')).not.toBeNull()
    expect((await own.get(`/console/find?q=${account.agentId}`)).location).toBe(
      `/console/rungate/agents/${account.agentId}`,
    )
    expect((await own.get(`/console/find?q=${other.agentId}`)).status).toBe(404)
    expect((await own.get(`/console/history/${account.agentId}`)).status).toBe(200)
  })
})
