/** Killatamata's pages of the console, on a whole instance: an account's own things by its key, everything for administrators. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCommandBus } from '../../../src/commands/handle.ts'
import { loadContexts } from '../../../src/contexts.ts'
import { createRegistry } from '../../../src/events/registry.ts'
import { createEventStore, type EventStore } from '../../../src/events/store.ts'
import { issueLink } from '../../../src/processes/console/access-link.ts'
import { eventually } from '../../projections/support.ts'
import { launchChromium } from '../../support/chromium.ts'
import { chromiumBinary } from '../../support/services.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { gameFiles, zipOf } from '../../support/zips.ts'
import { readSandbox, type SandboxFile } from '../killatamata/sandbox.ts'
import { fieldIn, formIn, headingOf, newVisitor, titleOf, type Visitor } from './browsing.ts'

const SERVED = ['killatamata', 'audit', 'console'] as const
const WAIT_MS = 60_000

let stack: Stack
let store: EventStore
let sandbox: SandboxFile
let admin: Visitor
let own: Visitor
let stranger: Visitor
const ids = { job: '', game: '', release: '', plan: '', payout: '', settlement: '' }

async function ask(method: string, path: string, key: string, body?: object) {
  const answer = await fetch(`${stack.url}/killatamata/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-idempotency-key': randomUUID() },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path} answers ${answer.status}: ${text}`)
  return JSON.parse(text)
}
const post = (path: string, body: object, { api_key } = sandbox.account) => ask('POST', path, api_key, body)
const get = (path: string, { api_key } = sandbox.account) => ask('GET', path, api_key)

async function link(): Promise<string> {
  const bus = createCommandBus(store, { cachedAggregatesMax: 10, seenCommandsMax: 100, conflictRetriesMax: 3 })
  const wanted = { url: stack.url, ttlMs: 300_000, isReadOnly: false, now: new Date() }
  return (await issueLink(bus, wanted)).url
}

/** Credit of the sandbox account, by a card, and more of the affiliate that its deposits bring. */
async function paid(who: SandboxFile['account']): Promise<string> {
  const { sessionId } = await post('checkout/stripe', { packageCode: 'builder_2000' }, who)
  const answer = await fetch(`${sandbox.standins}/control/stripe/sessions/${sessionId}/pay`, {
    ...{ method: 'POST', body: '{}' },
  })
  expect(answer.status).toBe(200)
  await eventually(async () => {
    if ((await get('balance', who)).usdBalanceMicros < 20_000_000) throw new Error('it is not credited yet')
  }, WAIT_MS)
  return sessionId
}

/** The sandbox account is an affiliate with a request that waits; the administrator's bought by its code. */
async function affiliated(): Promise<void> {
  await post('affiliates/me/apply', { displayName: 'Ada', contactEmail: 'ada@example.com', countryCode: 'gb' })
  await ask('PATCH', 'affiliates/me', sandbox.account.api_key, { payoutAddress: 'ada@pay.example' })
  const { code } = await get('affiliates/me/code')
  await post('affiliates/me/bind-code', { code }, sandbox.admin)
  ids.settlement = await paid(sandbox.admin)
  await eventually(async () => {
    const { payoutRequest } = await post('affiliates/me/payout-requests', { note: 'by wire' })
    ids.payout = payoutRequest.payoutRequestId
  }, WAIT_MS)
}

async function played(): Promise<void> {
  const { api_key } = sandbox.account
  const { game } = await post('arcade/games', {
    ...{ slug: `drift-${randomUUID().slice(0, 8)}`, title: 'Star <b>Drift</b>', shortDescription: 'Drift.' },
    ...{ description: 'A game.', tags: ['space'] },
  })
  ids.game = game.gameId
  const form = new FormData()
  form.append('gameId', ids.game)
  const manifest = { version: '1.0.0', engine: 'godot', engineVersion: '4.4', entrypoint: 'index.html' }
  form.append('manifestJson', JSON.stringify(manifest))
  form.append('bundle', new Blob([Buffer.from(zipOf(gameFiles))]), 'game.zip')
  const answer = await fetch(`${stack.url}/killatamata/api/v1/arcade/releases/upload`, {
    ...{ method: 'POST', body: form, headers: { authorization: `Bearer ${api_key}` } },
  })
  ids.release = ((await answer.json()) as { release: { releaseId: string } }).release.releaseId
}

async function worked(): Promise<void> {
  const input = { prompt: 'a red fox by the sea' }
  ids.job = (await post('media/jobs', { task: 'image.generate', input })).externalJobId
  await eventually(async () => {
    const { status } = await get(`media/jobs?jobId=${ids.job}`)
    if (status !== 'completed') throw new Error(`it is ${status}`)
  }, WAIT_MS)
  const { project } = await post('studio/projects', { title: 'Lighthouse' })
  const prompt = 'image: A lighthouse in fog\nimage: A harbour at dawn'
  const prepared = await post('studio/agent/messages/prepare', { projectId: project.projectId, prompt })
  ids.plan = prepared.approvalPlan.approvalPlanId
}

beforeAll(async () => {
  stack = await startStack({
    environment: {
      ...{ CONTEXTS: SERVED.join(), AFFILIATE_HOLD_DAYS: '0', AFFILIATE_PAYOUT_MIN_CENTS: '100' },
      WEBHOOK_ALLOW_PRIVATE: 'true',
    },
  })
  const registry = createRegistry(await loadContexts(SERVED))
  store = createEventStore({ registry, url: stack.eventStoreUrl, deadlineMs: 5_000, appendAttemptsMax: 3 })
  sandbox = readSandbox(dirname(stack.logFile))
  await paid(sandbox.account)
  await Promise.all([affiliated(), played(), worked()])
  ;[admin, own, stranger] = [newVisitor(stack.url), newVisitor(stack.url), newVisitor(stack.url)]
  await admin.enter(await link())
  await own.signIn(sandbox.account.api_key)
  await stranger.signIn(sandbox.admin.api_key)
}, 180_000)

afterAll(async () => {
  await store?.close()
  await stack?.close()
})

/** The pages of things that belong to the sandbox account. */
const things = (): [path: string, heading: string][] => [
  [`accounts/${sandbox.account.account_id}`, `Account ${sandbox.account.account_id}`],
  [`jobs/${ids.job}`, `Media job image.generate (${ids.job})`],
  [`games/${ids.game}`, 'Game Star <b>Drift</b>'],
  [`releases/${ids.release}`, `Release 1.0.0 (${ids.release})`],
  [`plans/${ids.plan}`, `Approval plan ${ids.plan}`],
  [`payout-requests/${ids.payout}`, `Payout request ${ids.payout}`],
]
const lists = [
  ...['accounts', 'balances', 'ledger', 'jobs', 'settlements', 'x402-payments', 'affiliates', 'payout-requests'],
  ...['games', 'releases', 'plans', 'figures'],
]

describe('a key of an account', () => {
  it('shows the account’s own things, and nobody else’s', async () => {
    for (const [path, heading] of things()) {
      const seen = await own.get(`/console/killatamata/${path}`)
      expect([path, seen.status, headingOf(seen)]).toStrictEqual([path, 200, heading])
      expect(await stranger.get(`/console/killatamata/${path}`)).toMatchObject({ status: 404 })
      expect(await admin.get(`/console/killatamata/${path}`)).toMatchObject({ status: 200 })
    }
    for (const path of lists) {
      const [mine, theirs] = [
        await own.get(`/console/killatamata/${path}`),
        await stranger.get(`/console/killatamata/${path}`),
      ]
      expect([path, mine.status, theirs.status]).toStrictEqual([path, 200, 200])
      for (const id of Object.values(ids)) if (id !== ids.settlement) expect(theirs.text.split(id).length).toBe(1)
      expect(theirs.text).not.toContain(sandbox.account.account_id)
    }
  })

  it('ends with the key', async () => {
    const { apiKey: key } = await post('keys', { label: 'for a while' })
    const visitor = newVisitor(stack.url)
    await visitor.signIn(key)
    expect((await visitor.get('/console/killatamata/jobs')).status).toBe(200)
    await ask('POST', 'keys/revoke', key)
    await eventually(async () => {
      if ((await visitor.get('/console/killatamata/jobs')).status !== 303) throw new Error('it is still in')
    })
  })

  it('decides nothing about payouts', async () => {
    const path = `/console/killatamata/payout-requests/${ids.payout}`
    expect((await own.get(path)).text).not.toContain('/actions/pay')
    expect((await own.get(`${path}/actions/pay`)).status).toBe(404)
    expect((await own.post(`${path}/actions/pay`, { reference: 'wire 7' })).status).toBe(404)
  })
})

describe('an administrator', () => {
  it('sees what an account can spend, what its jobs cost, and what a plan will', async () => {
    const account = await admin.get(`/console/killatamata/accounts/${sandbox.account.account_id}`)
    const balance = await get('balance')
    expect(fieldIn(account, 'available_micros')).toMatch(new RegExp(`^${balance.usdBalanceMicros}\\b`))
    expect(account.text).not.toContain(sandbox.account.email)
    const job = await admin.get(`/console/killatamata/jobs/${ids.job}`)
    expect(fieldIn(job, 'status')).toBe('completed')
    expect(fieldIn(job, 'charged_micros')).toMatch(/^\d+\s*\(0\.\d{6} USD\)$/)
    expect(job.page.querySelector('main')?.text).toContain('image/')
    const plan = await admin.get(`/console/killatamata/plans/${ids.plan}`)
    expect(fieldIn(plan, 'total_usd_micros')).toMatch(/^40000\s/)
    expect(plan.page.querySelector('main')?.text).toContain('A lighthouse in fog')
  })

  it('sorts by an amount, and finds the next page by it', async () => {
    const first = await admin.get('/console/killatamata/balances?sort=available_micros&limit=25')
    expect(first.status).toBe(200)
    const amount = Buffer.from(JSON.stringify(['9007199254740991', 'acct_z'])).toString('base64url')
    const behind = await admin.get(`/console/killatamata/balances?sort=available_micros&after=${amount}`)
    expect([behind.status, behind.text.includes(sandbox.account.account_id)]).toStrictEqual([200, true])
  })

  it('finds each thing by its id', async () => {
    for (const id of [...Object.values(ids), sandbox.account.account_id]) {
      const { status, location } = await admin.get(`/console/find?q=${id}`)
      expect([id, status]).toStrictEqual([id, 303])
      expect(location).toMatch(/^\/console\/killatamata\//)
      // Others of the same second begin alike: the page, or a list that has it.
      const beginning = await admin.get(`/console/find?q=${id.slice(0, -12)}`)
      expect([id, beginning.status === 303 ? beginning.location : beginning.text]).toStrictEqual([
        id,
        expect.stringContaining(location),
      ])
      expect((await admin.get(location)).status).toBe(200)
    }
  })

  it('records a payout, once, with what came of it', async () => {
    const path = `/console/killatamata/payout-requests/${ids.payout}`
    const asked = await admin.get(`${path}/actions/pay`)
    expect([asked.status, titleOf(asked)]).toStrictEqual([200, 'Record payout · opslog'])
    const without = await admin.post(`${path}/actions/pay`, formIn(asked))
    expect(without.status).toBe(400)
    const form = { ...formIn(asked), reference: 'wire 7' }
    const [done, again] = [await admin.post(`${path}/actions/pay`, form), await admin.post(`${path}/actions/pay`, form)]
    expect([done.status, again.status]).toStrictEqual([303, 303])
    const seen = await admin.follow(done)
    expect(seen.page.querySelector('.message')?.text).toContain('The payout is recorded.')
    expect([fieldIn(seen, 'status'), fieldIn(seen, 'reference')]).toStrictEqual(['paid', 'wire 7'])
    const later = await admin.get(`${path}/actions/reject`)
    expect(later.page.querySelector('main')?.text).toContain('It is decided: paid.')
  })
})

const binary = chromiumBinary()
if (binary) describe('in a browser', { timeout: 120_000 }, () => inChromium(binary))
else {
  it('is not tried in a browser without Chromium, which CI insists on', () =>
    expect(process.env.OPSLOG_REQUIRE_CHROMIUM).toBeUndefined())
}

function inChromium(executablePath: string): void {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium(executablePath)
  })
  afterAll(() => browser?.close())

  it.each([
    ['a desk, light', { viewport: { width: 1_280, height: 800 }, colorScheme: 'light' }],
    ['a phone, dark', { viewport: { width: 320, height: 640 }, colorScheme: 'dark', isMobile: true, hasTouch: true }],
  ] as const)('its pages can be used by everybody, and fit: %s', async (_, options) => {
    const context = await browser.newContext({ ...options, baseURL: stack.url, bypassCSP: true })
    try {
      const page = await context.newPage()
      const faults: string[] = []
      page.on('pageerror', (error) => faults.push(error.message))
      await page.goto(await link())
      await page.getByRole('button', { name: 'Sign in as administrator' }).click()
      await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
      for (const path of [...lists, ...things().map(([each]) => each)]) {
        await page.goto(`/console/killatamata/${path}`)
        const [scrolled, shown] = await page.evaluate<[number, number]>(
          '[document.documentElement.scrollWidth, innerWidth]',
        )
        expect(scrolled, `the width of ${path}`).toBeLessThanOrEqual(shown)
        await page.evaluate(axe)
        const found = await page.evaluate<string[]>(
          `axe.run(document, ${JSON.stringify({
            runOnly: { type: 'tag', values: RULES },
          })}).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ' ' + html.slice(0, 150))))`,
        )
        expect([path, found]).toStrictEqual([path, []])
      }
      expect(faults).toStrictEqual([])
    } finally {
      await context.close()
    }
  })
}
