/** The console in Chromium, with its policy in force: by keyboard, in a dialog, live, on a phone, light and dark, and by axe. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setWebhookEndpoint } from '../../../src/commands/noctant/webhook-endpoint.ts'
import { launchChromium } from '../../support/chromium.ts'
import { chromiumBinary } from '../../support/services.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { accountRequest, type TestOperator } from '../noctant/serving.ts'

/** Of one page, and of all in a test, on a machine that does other things too. */
const SEEN_MAX_MS = 15_000
const TEST_MAX_MS = 60_000
const PHONE = { width: 320, height: 640 }
const DESK = { width: 1_280, height: 800 }
/** Pages of a kind each. */
const KINDS_MAX = 11
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const binary = chromiumBinary()
if (binary) describe('the console in a browser', { timeout: TEST_MAX_MS }, () => inChromium(binary))
else {
  it('is not tried without Chromium, which CI insists on', () =>
    expect(process.env.OPSLOG_REQUIRE_CHROMIUM).toBeUndefined())
}

function inChromium(executablePath: string): void {
  let api: Api
  let acme: TestOperator
  let browser: Browser
  let accountId: string
  let stream: string
  beforeAll(async () => {
    ;[api, browser] = await Promise.all([startApi(), launchChromium(executablePath)])
    acme = await api.addOperator()
    await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'trader-1' } })
    const account = await open('ACC-1')
    accountId = account.account_id
    stream = `noctant.account-${account.program_account_id}`
  })
  afterAll(async () => {
    await browser?.close()
    await api.stop()
  })

  const open = async (externalId: string): Promise<Record<'account_id' | 'program_account_id', string>> => {
    const body = accountRequest(externalId)
    return (await api.call('POST', '/v1/accounts', { key: acme.key, body })).body.account
  }

  /** A window. `faults` is what its pages complain about: scripts that throw, and what the policy forbids. */
  async function newWindow(options: Parameters<Browser['newContext']>[0] = {}) {
    const context = await browser.newContext({ baseURL: api.url, viewport: DESK, ...options })
    context.setDefaultTimeout(SEEN_MAX_MS)
    const page = await context.newPage()
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(error.message))
    page.on(
      'console',
      (message) => message.type() === 'error' && faults.push(`${message.text()} ${message.location().url}`),
    )
    return { context, page, faults }
  }

  async function signIn(page: Page, to = '/console', heading = 'Overview'): Promise<void> {
    await page.goto(to)
    await page.getByLabel('Key').fill(acme.key)
    await page.keyboard.press('Enter')
    await seen(page, heading)
  }

  const seen = (page: Page, heading: string) => page.getByRole('heading', { name: heading, level: 1 }).waitFor()

  it('leads an operator from a link through the sign-in to an account, and stops its trading by the keyboard', async () => {
    const { context, page, faults } = await newWindow()
    try {
      await signIn(page, `/console/noctant/accounts/${accountId}`, 'Account ACC-1')
      await page.locator('[data-field=sponsorship_status]', { hasText: 'active' }).waitFor()
      const button = page.getByRole('link', { name: 'Disable trading…' })
      await button.focus()
      await page.keyboard.press('Enter')
      const dialog = page.getByRole('dialog', { name: 'Disable trading' })
      await dialog.getByText('0 open positions of ACC-1').waitFor()
      // Left with Escape, it changes nothing and gives the focus back.
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'hidden' })
      expect(await button.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true)
      await page.keyboard.press('Enter')
      await dialog.getByLabel('Reason').fill('a <b>broken</b> rule')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.getByRole('status').getByText('Trading is disabled on ACC-1.').waitFor()
      await page.locator('[data-field=sponsorship_status]', { hasText: 'disabled' }).waitFor()
      await page.getByRole('link', { name: 'What came of it' }).click()
      await seen(page, 'Trace of')
      expect(await page.locator('svg.bars').count()).toBeGreaterThan(0)
      await page.keyboard.press('/')
      await page.keyboard.type('ACC-1')
      await page.keyboard.press('Enter')
      await seen(page, 'Account ACC-1')
      await page.goBack()
      await seen(page, 'Trace of')
      expect(faults).toStrictEqual([])
    } finally {
      await context.close()
    }
  })

  it('sends a test event to an endpoint from its page, by the keyboard', async () => {
    const { operatorId } = acme
    const set = { kind: 'set', operatorId, url: 'https://hooks.example/opslog', eventTypes: null } as const
    const secret = { secretId: randomUUID(), sealed: 'sealed' }
    await setWebhookEndpoint(api.bus, { ...set, secret, at: new Date().toISOString() }, systemContext())
    const { context, page, faults } = await newWindow()
    try {
      await signIn(page, `/console/webhook-endpoints/${operatorId}`, 'Webhook endpoint https://hooks.example')
      await page.getByRole('link', { name: 'Send test event…' }).focus()
      await page.keyboard.press('Enter')
      const dialog = page.getByRole('dialog', { name: 'Send test event' })
      await dialog.getByText('Sends 1 event of the type webhook.test').waitFor()
      await dialog.getByRole('button', { name: 'Send test event' }).focus()
      await page.keyboard.press('Enter')
      await page.getByRole('status').getByText('The test event is on its way').waitFor()
      await page.getByRole('link', { name: 'What came of it' }).click()
      await seen(page, 'Trace of')
      expect(faults).toStrictEqual([])
    } finally {
      await context.close()
    }
  })

  it('shows what comes without a reload: on a list, and to those who follow the log', async () => {
    const [list, log] = [await newWindow(), await newWindow()]
    try {
      await signIn(list.page, '/console/noctant/accounts', 'Accounts')
      await signIn(log.page, '/console/events?type=noctant.Account', 'Events')
      await log.page.keyboard.press('f')
      await log.page.locator('[data-follow][aria-pressed=true]').waitFor()
      await open('ACC-LIVE')
      const shownBy = Date.now() + SEEN_MAX_MS
      await list.page.getByText('ACC-LIVE').first().waitFor()
      await log.page.locator('tr.fresh').getByText('noctant.AccountOpened').first().waitFor()
      expect(Date.now()).toBeLessThan(shownBy)
      expect([list.faults, log.faults]).toStrictEqual([[], []])
    } finally {
      await Promise.all([list.context.close(), log.context.close()])
    }
  })

  it('draws plots anew while somebody looks, and leaves open what is open', async () => {
    const { context, page, faults } = await newWindow()
    try {
      await enter(page)
      const plot = page.locator('figure.plot').first()
      await plot.getByText('As a table').click()
      const clock = plot.locator('.clock span').last()
      const before = await clock.textContent()
      await expect.poll(() => clock.textContent(), { timeout: SEEN_MAX_MS }).not.toBe(before)
      expect(await plot.locator('details').getAttribute('open')).not.toBeNull()
      await plot.getByRole('link', { name: '24 h' }).click()
      await page.locator('figure.plot .ranges strong', { hasText: '24 h' }).first().waitFor()
      expect(faults).toStrictEqual([])
    } finally {
      await context.close()
    }
  })

  it('says that a page is old while the instance does not answer, and goes on by itself', async () => {
    const { context, page } = await newWindow()
    try {
      await signIn(page)
      await page.route('**/console?part=*', (route) => route.abort())
      await page.getByText('The instance does not answer.').waitFor()
      await page.unroute('**/console?part=*')
      await page.locator('#stale').waitFor({ state: 'hidden' })
    } finally {
      await context.close()
    }
  })

  it('works without script', async () => {
    const { context, page } = await newWindow({ javaScriptEnabled: false })
    try {
      const { account_id: id } = await open('ACC-PLAIN')
      await signIn(page, `/console/noctant/accounts/${id}`, 'Account ACC-PLAIN')
      await page.getByRole('link', { name: 'Disable trading…' }).click()
      await seen(page, 'Disable trading')
      await page.getByLabel('Reason').fill('no script')
      await page.getByRole('button', { name: 'Disable trading' }).click()
      await page.getByText('Trading is disabled on ACC-PLAIN.').waitFor()
    } finally {
      await context.close()
    }
  })

  async function enter(page: Page): Promise<void> {
    await page.goto(await api.addConsoleLink())
    await page.getByRole('button', { name: 'Sign in as administrator' }).click()
    await seen(page, 'Overview')
  }

  /** A page of each kind, and others that are made like them. */
  async function addresses(): Promise<{ kinds: string[]; others: string[] }> {
    const [event] = await Array.fromAsync(api.rawLog.readStream(stream, 0n, 1n))
    const account = `/console/noctant/accounts/${accountId}`
    return {
      kinds: [
        ...['/console', '/console/noctant/accounts', account, `${account}/actions/correct-balance`],
        ...['/console/events', `/console/events/${event?.id}`, '/console/history/ACC-1', '/console/states/ACC-1'],
        ...[`/console/traces/${event?.id}`, '/console/projections', '/console/settings'],
      ],
      others: [
        ...[`/console/streams/${stream}`, '/console/seals', '/console/find?q=nothing+like+it'],
        ...['/console/jobs', '/console/parked', '/console/verification', '/console/verification/actions/start'],
        ...['/console/webhook-endpoints', '/console/dead-letters/actions/retry', '/console/settings?group=WEBHOOK'],
        ...['/console/commands', '/console/webhooks', '/console/health', '/console/operators', '/console/sessions'],
      ],
    }
  }

  const PHONES = { viewport: PHONE, colorScheme: 'dark', isMobile: true, hasTouch: true } as const
  it.each([
    ['a desk, light', { viewport: DESK, colorScheme: 'light' } as const, KINDS_MAX],
    // What is another on a phone is the same on each kind of page.
    ['a phone, dark', PHONES, 4],
  ])('is what people can use who see or hear otherwise: %s', async (_, options, pagesMax) => {
    // Axe is put into the page from outside, which the policy forbids.
    const { context, page } = await newWindow({ ...options, bypassCSP: true })
    try {
      await page.goto('/console/sign-in')
      const found = [await violations(page)]
      await enter(page)
      for (const path of (await addresses()).kinds.slice(0, pagesMax)) {
        await page.goto(path)
        found.push(await violations(page))
      }
      expect(found.flat()).toStrictEqual([])
    } finally {
      await context.close()
    }
  })

  async function violations(page: Page): Promise<string[]> {
    await page.evaluate(axe)
    const options = JSON.stringify({ runOnly: { type: 'tag', values: RULES } })
    return page.evaluate<string[]>(`axe.run(document, ${options}).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, any }) => [location.pathname, id, html.slice(0, 150), ...any.map(({ message }) => message)].join(' | '))))`)
  }

  it('fits a phone, and no page of it complains', async () => {
    const { context, page, faults } = await newWindow(PHONES)
    try {
      await enter(page)
      const { kinds, others } = await addresses()
      for (const path of [...kinds, ...others]) {
        await page.goto(path)
        const [scrolled, shown] = await page.evaluate<[number, number]>(
          '[document.documentElement.scrollWidth, innerWidth]',
        )
        expect(scrolled, `the width of ${path}`).toBeLessThanOrEqual(shown)
      }
      // What is not found is answered with 404, which the browser reports.
      expect(faults.filter((fault) => !fault.includes('404'))).toStrictEqual([])
    } finally {
      await context.close()
    }
  })
}
