/** A bundle in Chromium: it loads its own files and runs its module, and reaches nothing else of where it comes from. */
import { randomUUID } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { launchChromium } from '../../support/chromium.ts'
import { chromiumBinary } from '../../support/services.ts'
import { PCK, text, WASM, zipOf } from '../../support/zips.ts'
import { startKillatamata } from './serving.ts'

const SEEN_MAX_MS = 20_000
const TEST_MAX_MS = 60_000

/** As an engine starts: it fetches its module and its pack, and tries what it may not. */
const PLAYER = `
  const say = (said) => { document.title = JSON.stringify(said) }
  const tried = async (work) => { try { return await work() } catch (error) { return 'refused' } }
  const start = async () => {
    const { instance } = await WebAssembly.instantiateStreaming(fetch('index.wasm'))
    const pack = new Uint8Array(await (await fetch('index.pck')).arrayBuffer())
    const api = new URL('/killatamata/api/v1/', location.href).href
    say({
      module: instance instanceof WebAssembly.Instance,
      pack: String.fromCharCode(...pack.slice(0, 4)),
      picture: await tried(() => new Promise((resolve, reject) => {
        const image = new Image()
        image.onload = () => resolve('seen')
        image.onerror = reject
        image.src = 'icon.svg'
      })),
      api: await tried(async () => (await fetch(api + 'health')).status),
      session: await tried(async () => (await fetch(api + 'auth/browser/session')).status),
      elsewhere: await tried(async () => (await fetch('https://example.com/')).status),
      storage: await tried(() => localStorage.length),
      frame: await tried(async () => {
        const other = window.open(api + 'health')
        // At first every window is empty, and the opener's; what counts is what it can be seen to become.
        while (other && !other.closed && other.document.body.textContent === '') await new Promise((seen) => setTimeout(seen, 20))
        return !other || other.closed ? 'refused' : other.document.body.textContent
      }),
      isolated: crossOriginIsolated,
      threads: typeof SharedArrayBuffer,
    })
  }
  start().catch((error) => say({ error: String(error) }))
`
const bundle = zipOf([
  { name: 'index.html', data: text('<!doctype html><meta charset="utf-8"><script src="index.js"></script>') },
  { name: 'index.js', data: text(PLAYER) },
  { name: 'index.wasm', data: WASM },
  { name: 'index.pck', data: PCK },
  { name: 'icon.svg', data: text('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>') },
])

const binary = chromiumBinary()
if (binary) describe('a game in a browser', { timeout: TEST_MAX_MS }, () => inChromium(binary))
else {
  it('is not tried without Chromium, which CI insists on', () =>
    expect(process.env.OPSLOG_REQUIRE_CHROMIUM).toBeUndefined())
}

function inChromium(executablePath: string): void {
  let browser: Browser
  let served: Awaited<ReturnType<typeof startKillatamata>>
  beforeAll(async () => {
    served = await startKillatamata()
    browser = await launchChromium(executablePath)
  }, TEST_MAX_MS)
  afterAll(async () => {
    await browser?.close()
    await served?.stop()
  })

  /** What the game says, once it has begun. */
  async function played(threads: boolean) {
    const [ada, reviewer] = [await served.customer('ada'), await served.customer('rosa', { isAdmin: true })]
    const slug = `game-${randomUUID().slice(0, 8)}`
    const facts = { slug, title: 'Star Drift', shortDescription: 'Drift.', description: 'A game.' }
    const { gameId } = (await served.post('arcade/games', facts, ada.key)).body.game
    const { releaseId } = (await served.release(gameId, ada.key, { bundle, manifest: { threads } })).release
    const patch = (path: string, body: object, key: string) =>
      served.ask('PATCH', `/api/v1/arcade/${path}`, { body: { releaseId, ...body }, key })
    await patch('releases/submit', {}, ada.key)
    await patch('review/release', { action: 'approve' }, reviewer.key)
    await patch('review/release', { action: 'publish', channel: 'live' }, reviewer.key)
    const wanted = { slug, idempotencyKey: randomUUID() }
    const { launchUrl } = (await served.post('arcade/launch-sessions', wanted, ada.key)).body.session
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      await page.goto(launchUrl)
      // Asked of the browser and not of the page, whose policy lets nothing be evaluated.
      return await vi.waitFor(async () => JSON.parse(await page.title()), { timeout: SEEN_MAX_MS, interval: 50 })
    } finally {
      await context.close()
    }
  }

  it('runs in an origin of its own, and reaches its own files alone', async () => {
    expect(await played(false)).toStrictEqual({
      ...{ module: true, pack: 'GDPC', picture: 'seen' },
      ...{ api: 'refused', session: 'refused', elsewhere: 'refused', storage: 'refused', frame: 'refused' },
      ...{ isolated: false, threads: 'undefined' },
    })
  })

  it('has threads where its manifest says so, and reaches no more', async () => {
    expect(await played(true)).toMatchObject({
      ...{ module: true, pack: 'GDPC', picture: 'seen' },
      ...{ api: 'refused', session: 'refused', elsewhere: 'refused', frame: 'refused' },
      ...{ isolated: true, threads: 'function' },
    })
  })
}
