/** The hosted page in Chromium, at the width of a phone: with taps, a chosen and a dropped file, and its own policy in force. */
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '../../support/chromium.ts'
import { chromiumBinary, temporaryDirectory } from '../../support/services.ts'
import { type Api, startApi } from '../api.ts'
import { addBuyer, type Buyer, postJob } from './buyers.ts'
import { addWorker, creditEarning, giveScore, type Worker } from './crew.ts'

const WORK = '/firsthand/work'
/** The narrowest phones that are in use, and a common one. */
const WIDTHS = [320, 390]
const HEIGHT = 700
/** A finger hits what is this high: buttons, and whatever else there is to tap (WCAG 2.2, 2.5.8). */
const BUTTON_MIN_PX = 44
const TARGET_MIN_PX = 24
/** Of one page, and of all in a test, on a machine that does other things too. */
const SEEN_MAX_MS = 15_000
const TEST_MAX_MS = 60_000

/** What a page looks like, as it says itself. */
interface Layout {
  scrolled: number
  shown: number
  targets: { tag: string; text: string; height: number; right: number }[]
}
const LAYOUT = `({
  scrolled: document.documentElement.scrollWidth,
  shown: innerWidth,
  targets: [...document.querySelectorAll('button, a, input:not([type=hidden])')].map((element) => {
    const { height, right } = element.getBoundingClientRect()
    return { tag: element.tagName, text: element.textContent, height, right }
  }),
})`

const LONG = `Doors, each from the street. ${'Donaudampfschifffahrtsgesellschaft'.repeat(8)}`
const file = (name: string, bytes: string, mimeType = 'image/png') => ({ name, mimeType, buffer: Buffer.from(bytes) })
/** Lies on the disk, where the browser reads its length: 20 MiB through the driver take seconds of a busy machine. */
async function largeFile(directory: string): Promise<string> {
  const path = join(directory, 'large.png')
  await writeFile(path, '')
  await truncate(path, 20 * 1_048_576 + 1)
  return path
}

const binary = chromiumBinary()
if (binary) describe('the hosted page on a phone', { timeout: TEST_MAX_MS }, () => inChromium(binary))
else {
  it('is not tried without Chromium, which CI insists on', () =>
    expect(process.env.OPSLOG_REQUIRE_CHROMIUM).toBeUndefined())
}

function inChromium(executablePath: string): void {
  let api: Api
  let buyer: Buyer
  let browser: Browser
  beforeAll(async () => {
    api = await startApi()
    buyer = await addBuyer(api, { cents: 1_000_000 })
    browser = await launchChromium(executablePath)
  })
  afterAll(async () => {
    await browser?.close()
    await api.stop()
  })

  /** A phone of this width. `faults` is what its pages complain about: scripts that throw, and what the policy forbids. */
  async function newPhone(width = WIDTHS[0]!) {
    const context = await browser.newContext({
      ...{
        baseURL: api.url,
        viewport: { width, height: HEIGHT },
        deviceScaleFactor: 2,
        isMobile: true,
        hasTouch: true,
      },
    })
    context.setDefaultTimeout(SEEN_MAX_MS)
    const page = await context.newPage()
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
    return { context, page, faults }
  }

  async function signIn(page: Page, { token }: Pick<Worker, 'token'>): Promise<void> {
    await page.goto(WORK)
    await page.getByLabel('Your token').fill(token)
    await page.getByRole('button', { name: 'Sign in' }).tap()
    await seen(page, 'Jobs')
  }

  /** The page with this heading is there, and fits. */
  async function seen(page: Page, heading: string): Promise<void> {
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
    await fits(page)
  }

  /** Nothing is cut off at the side, and everything that can be tapped is high enough for a finger. */
  async function fits(page: Page): Promise<void> {
    const { scrolled, shown, targets } = await page.evaluate<Layout>(LAYOUT)
    expect(scrolled, `the width of ${page.url()}`).toBeLessThanOrEqual(shown)
    for (const { tag, text, height, right } of targets) {
      const least = tag === 'BUTTON' ? BUTTON_MIN_PX : TARGET_MIN_PX
      expect(height, `the height of ${tag} ${text} at ${page.url()}`).toBeGreaterThanOrEqual(least)
      expect(right, `the right end of ${tag} ${text} at ${page.url()}`).toBeLessThanOrEqual(shown)
    }
  }

  const post = async (description: string): Promise<string> =>
    (await postJob(api, buyer.key, { files_needed: 1, description })).body.id

  const claim = (page: Page, description: string) =>
    page.getByRole('listitem').filter({ hasText: description }).getByRole('button', { name: 'Claim a seat' }).tap()

  const send = (page: Page) => page.getByRole('button', { name: 'Send and submit' }).tap()
  const submissionOf = (page: Page): string => new URL(page.url()).pathname.split('/').at(-1) ?? ''

  it.each(WIDTHS)('leads from the job to the earning, %i pixels wide', async (width) => {
    const wilma = await addWorker(api, 'Wilma')
    const description = `${LONG} ${width}`
    const jobId = await post(description)
    const { context, page, faults } = await newPhone(width)
    try {
      await page.goto(WORK)
      await seen(page, 'Sign in to work')
      await signIn(page, wilma)
      await claim(page, description)
      await seen(page, 'Send a file')
      await page.getByLabel('Choose a file').setInputFiles(file('door.png', `a blurred door of ${width}`))
      await page.getByText('door.png is chosen.').waitFor()
      await send(page)
      await seen(page, 'Your file is being scored')
      const submissionId = submissionOf(page)
      await giveScore(api, submissionId, 2, 'It is blurred.')
      // The page looks again by itself.
      await seen(page, 'Your result')
      expect(await page.getByRole('img', { name: '2 of 5 stars' }).textContent()).toBe('★★☆☆☆')
      await page.getByText('It is blurred.').waitFor()

      await page.getByRole('button', { name: 'Try again' }).tap()
      await seen(page, 'Send a file')
      // What is dropped is taken from when the page's script is there.
      await page.getByRole('button', { name: 'Send and submit', disabled: false }).waitFor()
      await drop(page, 'door.png', `a sharp door of ${width}`)
      await page.getByText('door.png is chosen.').waitFor()
      await send(page)
      await seen(page, 'Your file is being scored')
      await giveScore(api, submissionId, 5, 'It is sharp.')
      await seen(page, 'Your result')
      const earned = (await page.getByText('It earned').locator('strong').textContent()) ?? ''
      await creditEarning(api, wilma, { submissionId, jobId, earned })
      await page.getByRole('link', { name: 'Earnings' }).tap()
      await seen(page, 'Earnings')
      await page.getByText(`You are owed ${earned}. Approved files so far: 1.`).waitFor()
      await page.getByRole('button', { name: 'Sign out' }).tap()
      await seen(page, 'Sign in to work')
      expect(faults).toStrictEqual([])
    } finally {
      await context.close()
    }
  })

  it('sends no file that is empty or too large, says so, and takes the next one', async () => {
    const description = 'Doors for a file that is chosen anew'
    await post(description)
    const directory = temporaryDirectory()
    const { context, page, faults } = await newPhone()
    try {
      await signIn(page, await addWorker(api, 'Otto'))
      await claim(page, description)
      await seen(page, 'Send a file')
      const sent: string[] = []
      page.on('request', (request) => request.method() !== 'GET' && sent.push(request.url()))
      await send(page)
      await page.getByText('Choose a file first.').waitFor()
      await page.getByLabel('Choose a file').setInputFiles(file('nothing.png', ''))
      await page.getByText('nothing.png is empty.').waitFor()
      await page.getByLabel('Choose a file').setInputFiles(await largeFile(directory.path))
      await page.getByText('large.png is too large.').waitFor()
      await send(page)
      await page.getByText('Choose a file first.').waitFor()
      expect(sent).toStrictEqual([])
      await fits(page)
      await page.getByLabel('Choose a file').setInputFiles(file('door.png', 'another door'))
      await send(page)
      await seen(page, 'Your file is being scored')
      expect(faults).toStrictEqual([])
    } finally {
      await context.close()
      directory.remove()
    }
  })

  it('sends nothing before its script is there, and then what was chosen until then', async () => {
    const description = 'Doors for a phone with a slow line'
    await post(description)
    const { context, page, faults } = await newPhone()
    try {
      await signIn(page, await addWorker(api, 'Ida'))
      const { promise: arrival, resolve: arrive } = Promise.withResolvers<void>()
      await page.route('**/work.js', async (route) => {
        await arrival
        await route.continue()
      })
      await claim(page, description)
      await seen(page, 'Send a file')
      expect(await page.getByRole('button', { name: 'Send and submit' }).isDisabled()).toBe(true)
      await page.getByLabel('Choose a file').setInputFiles(file('door.png', 'a door of a slow line'))
      arrive()
      await page.getByText('door.png is chosen.').waitFor()
      await send(page)
      await seen(page, 'Your file is being scored')
      expect(faults).toStrictEqual([])
    } finally {
      await context.close()
    }
  })

  it('says why a file was refused, and the worker can go on', async () => {
    const description = 'Doors for a file of a wrong type'
    await post(description)
    const { context, page } = await newPhone()
    try {
      await signIn(page, await addWorker(api, 'Mia'))
      await claim(page, description)
      await page.getByLabel('Choose a file').setInputFiles(file('notes.txt', 'no picture', 'text/plain'))
      await send(page)
      await page.getByText('The file does not fit').waitFor()
      await fits(page)
      await page.getByLabel('Choose a file').setInputFiles(file('door.png', 'a picture'))
      await send(page)
      await seen(page, 'Your file is being scored')
    } finally {
      await context.close()
    }
  })

  it('shows what a buyer wrote as text, whatever it is', async () => {
    const description = '<img src=x onerror="document.title=1"> & "doors"'
    await post(description)
    const { context, page, faults } = await newPhone()
    try {
      await signIn(page, await addWorker(api, 'Eve'))
      await page.getByText(description).waitFor()
      expect([await page.title(), await page.locator('img').count(), faults]).toStrictEqual(['Jobs', 0, []])
    } finally {
      await context.close()
    }
  })
}

/** A file that is dropped on the form, as a file manager beside the browser does it. */
const drop = (page: Page, name: string, content: string): Promise<void> =>
  page.evaluate(`(() => {
    const dataTransfer = new DataTransfer()
    dataTransfer.items.add(new File([${JSON.stringify(content)}], ${JSON.stringify(name)}, { type: 'image/png' }))
    const event = new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true })
    document.querySelector('form.drop').dispatchEvent(event)
  })()`)
