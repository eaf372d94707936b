/** The hosted page for workers, as a browser uses it: cookies, forms, and the script's own requests. */
import { connect } from 'node:net'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { worker } from '../../../src/commands/firsthand/worker.ts'
import { documentsOf } from '../../../src/http/app.ts'
import { type AppEnv, defaultHttpLimits, type Runtime } from '../../../src/http/environment.ts'
import { firsthand } from '../../../src/http/firsthand/api.ts'
import { createSessions } from '../../../src/http/firsthand/work/work-session.ts'
import { eventually } from '../../projections/support.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { testSealer } from '../exchange.ts'
import { addBuyer, type Buyer, postJob } from './buyers.ts'
import { addWorker, creditEarning, giveScore, type Worker } from './crew.ts'

let api: Api
let buyer: Buyer
let wilma: Worker
beforeAll(async () => {
  api = await startApi()
  buyer = await addBuyer(api, { cents: 1_000_000 })
  wilma = await addWorker(api)
})
afterAll(() => api.stop())

const WORK = '/firsthand/work'

/** Keeps cookies and follows nothing by itself. */
function newBrowser(headers: Record<string, string> = {}) {
  const cookies = new Map<string, string>()
  async function send(path: string, init: RequestInit = {}) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const sent = { ...headers, ...(init.headers as Record<string, string>), cookie }
    const answer = await fetch(api.url + path, { redirect: 'manual', ...init, headers: sent })
    for (const set of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    const text = await answer.text()
    const { status } = answer
    return { status, headers: answer.headers, text, to: answer.headers.get('location') ?? '' }
  }
  const get = (path: string, more: Record<string, string> = {}) => send(path, { headers: more })
  /** Sends a form with these fields, and with the token that the page at `from` has. */
  async function submit(from: string, path: string, fields: Record<string, string>, more: Record<string, string> = {}) {
    const form = tokenOn((await get(from)).text)
    return send(path, { method: 'POST', body: new URLSearchParams({ form, ...fields }), headers: more })
  }
  return { cookies, send, get, submit }
}
type Browser = ReturnType<typeof newBrowser>

const tokenOn = (page: string): string => /name="form" value="([^"]+)"/.exec(page)?.[1] ?? ''

async function signedIn(of: Pick<Worker, 'token'> = wilma): Promise<Browser> {
  const browser = newBrowser()
  const { status, to } = await browser.submit(WORK, `${WORK}/sign-in`, { token: of.token })
  expect([status, to]).toStrictEqual([303, WORK])
  return browser
}

const jobOf = async (files = 1, description = 'Pictures of doors, each from the street') =>
  (await postJob(api, buyer.key, { files_needed: files, description })).body.id as string

/** Claims by the form; answers with the path of the claim's page. */
async function claimed(browser: Browser, jobId: string): Promise<string> {
  const { status, to } = await browser.submit(WORK, `${WORK}/claims`, { job_id: jobId })
  expect(status).toBe(303)
  return to
}

/** What the script does with a file. */
async function uploaded(browser: Browser, claim: string, bytes = 'some file'): Promise<string> {
  const fields = { content_type: 'image/png', size_bytes: String(bytes.length), filename: 'door.png' }
  const asked = await browser.submit(claim, `${claim}/uploads`, fields)
  expect(asked.status).toBe(201)
  const { method, url, headers, upload_id } = JSON.parse(asked.text)
  expect((await fetch(url, { method, headers, body: bytes })).status).toBe(200)
  return upload_id
}

describe('signing in', () => {
  it('shows a form, and keeps others from framing it or running anything on it', async () => {
    const { status, headers, text } = await newBrowser().get(WORK)
    expect([status, headers.get('content-type')]).toStrictEqual([200, 'text/html; charset=UTF-8'])
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; " +
        "frame-ancestors 'none'; connect-src 'self'",
    )
    expect([headers.get('x-content-type-options'), headers.get('cache-control')]).toStrictEqual(['nosniff', 'no-store'])
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(text).toContain('<label for="token">')
  })

  it('gives a cookie that scripts and other sites do not get, and that does not show the token', async () => {
    const browser = newBrowser()
    const { headers } = await browser.submit(WORK, `${WORK}/sign-in`, { token: ` ${wilma.token} ` })
    const set = headers.getSetCookie().find((each) => each.startsWith('firsthand_worker='))
    expect(set).toMatch(/^firsthand_worker=[\w-]+; Max-Age=43200; Path=\/firsthand\/work; HttpOnly; SameSite=Strict$/)
    expect(set).not.toContain(wilma.token)
    expect((await browser.get(WORK)).text).toContain('Your latest claims')
  })

  it('gives a cookie of this host alone where the address is https', async () => {
    const limits = { ...defaultHttpLimits, trustProxy: false }
    const of = { clock: () => new Date(), db: api.db, publicUrl: 'https://work.example' }
    const sessions = createSessions(of, { sealer: testSealer, limits } as Runtime)
    const app = new Hono<AppEnv>().get('/', (c) => c.text(sessions.open(c, 'worker', 'token').token))
    const [set = ''] = (await app.request('/')).headers.getSetCookie()
    expect(set).toMatch(/^__Host-firsthand_worker=[\w-]+; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
  })

  it('refuses a wrong token, and gives no session for it', async () => {
    const browser = newBrowser()
    for (const token of ['', 'fh_worker_nobody', `${wilma.token}x`, buyer.key]) {
      const { status, text } = await browser.submit(WORK, `${WORK}/sign-in`, { token })
      expect([status, text.includes('role="alert"')]).toStrictEqual([401, true])
    }
    expect([...browser.cookies.keys()]).toStrictEqual(['firsthand_visitor'])
  })

  it('is for the browser that has loaded the form', async () => {
    const form = tokenOn((await newBrowser().get(WORK)).text)
    const other = newBrowser()
    await other.get(WORK)
    const body = new URLSearchParams({ form, token: wilma.token })
    expect((await other.send(`${WORK}/sign-in`, { method: 'POST', body })).status).toBe(403)
    expect((await newBrowser().send(`${WORK}/sign-in`, { method: 'POST', body })).status).toBe(403)
  })

  it('ends by signing out, for a copy of the cookie too, and with the token', async () => {
    const leaver = await addWorker(api, 'Leaver')
    const [browser, second] = [await signedIn(leaver), await signedIn(leaver)]
    const copied = browser.cookies.get('firsthand_worker') ?? ''
    expect((await browser.submit(WORK, `${WORK}/sign-out`, {})).status).toBe(303)
    expect((await browser.get(`${WORK}/earnings`)).text).toContain('Sign in to work')
    const thief = newBrowser()
    thief.cookies.set('firsthand_worker', copied)
    expect((await thief.get(`${WORK}/earnings`)).text).toContain('Sign in to work')
    const other = `${api.secondUrl}${WORK}/earnings`
    const elsewhere = await fetch(other, { headers: { cookie: `firsthand_worker=${copied}` } })
    expect(await elsewhere.text()).toContain('Sign in to work')
    expect((await second.get(`${WORK}/earnings`)).text).toContain('Sign out')
    const at = new Date().toISOString()
    const { workerId, tokenId } = leaver
    await api.bus.handle(
      worker,
      workerId,
      { kind: 'revokeToken', workerId, tokenId, reason: null, at },
      systemContext(),
    )
    await eventually(async () => expect((await second.get(WORK)).text).toContain('Sign in to work'))
  })

  it('is refused to a worker who is suspended, with a page', async () => {
    const { workerId, ...of } = await addWorker(api, 'Sus')
    const browser = await signedIn(of)
    const at = new Date().toISOString()
    await api.bus.handle(worker, workerId, { kind: 'suspend', workerId, reason: null, at }, systemContext())
    await eventually(async () => expect((await browser.get(WORK)).status).toBe(403))
  })

  it('takes no cookie that is changed, or of the other kind', async () => {
    const browser = await signedIn()
    const cookie = browser.cookies.get('firsthand_worker') ?? ''
    const visitor = newBrowser()
    await visitor.get(WORK)
    for (const forged of [`x${cookie.slice(1)}`, cookie.slice(1), visitor.cookies.get('firsthand_visitor') ?? '']) {
      browser.cookies.set('firsthand_worker', forged)
      expect((await browser.get(WORK)).text).toContain('Sign in to work')
    }
  })
})

describe('forms', () => {
  const addresses = ['/claims', '/claims/clm_00000000000000000000000000/submit', '/sign-out']

  it.each(addresses)('at %s need the token of their own session', async (path) => {
    const browser = await signedIn()
    const foreign = tokenOn((await (await signedIn()).get(WORK)).text)
    for (const form of [undefined, '', 'x', foreign]) {
      const body = new URLSearchParams(form === undefined ? {} : { form })
      const { status, text } = await browser.send(WORK + path, { method: 'POST', body })
      expect([status, text.includes('The form is not from this page')]).toStrictEqual([403, true])
    }
    expect((await browser.submit(WORK, WORK + path, {}, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await browser.get(WORK)).text).toContain('Sign out')
  })

  it('reads no form of a browser that is not signed in', async () => {
    const { hostname, port } = new URL(api.url)
    const socket = connect(Number(port), hostname)
    const head = [`POST ${WORK}/claims HTTP/1.1`, 'host: x', 'content-type: application/x-www-form-urlencoded']
    // Nothing of the body is sent: the answer does not wait for it, and the connection ends.
    socket.write(`${[...head, 'content-length: 16000'].join('\r\n')}\r\n\r\n`)
    const chunks = await Array.fromAsync(socket as AsyncIterable<Buffer>)
    expect(Buffer.concat(chunks).toString('latin1')).toMatch(/^HTTP\/1\.1 401 [\s\S]*connection: close/i)
  })

  it('of nobody are refused, and so are other types, lengths and methods', async () => {
    const nobody = newBrowser()
    const post = (body: string | URLSearchParams, more: object = {}) => ({ method: 'POST', body, ...more })
    expect((await nobody.send(`${WORK}/claims`, post(new URLSearchParams()))).status).toBe(401)
    const browser = await signedIn()
    const typed = post('{}', { headers: { 'content-type': 'application/json' } })
    expect((await browser.send(`${WORK}/claims`, typed)).status).toBe(415)
    const long = new URLSearchParams({ form: 'x'.repeat(20_000) })
    expect((await browser.send(`${WORK}/claims`, post(long))).status).toBe(413)
    for (const [method, path] of [
      ['GET', '/claims'],
      ['DELETE', '/earnings'],
      ['GET', '/none'],
    ] as const) {
      const { status, text } = await browser.send(WORK + path, { method })
      expect([status, text.includes('Back to the jobs')]).toStrictEqual([404, true])
    }
  })
})

const WRONG_FILES: Record<string, string>[] = [
  { content_type: 'text/html' },
  { size_bytes: '0' },
  { size_bytes: 'x' },
  { filename: 'x'.repeat(256) },
]

describe('work', () => {
  it('goes from the job to the earning', async () => {
    const otto = await addWorker(api, 'Otto')
    const browser = await signedIn(otto)
    const jobId = await jobOf(2, 'Doors <script>alert(1)</script> & "windows"')
    const listed = (await browser.get(WORK)).text
    expect(listed).toContain('Doors &lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;windows&quot;')
    expect(listed).not.toContain('<script>')
    const claim = await claimed(browser, jobId)
    const page = await browser.get(claim)
    expect(page.headers.get('content-security-policy')).toContain(`connect-src 'self' ${api.url}`)
    expect(page.text).toContain('data-formats="image/jpeg image/png"')

    expect((await browser.submit(claim, `${claim}/submit`, { upload_id: '' })).status).toBe(409)
    const { status, to } = await browser.submit(claim, `${claim}/submit`, { upload_id: await uploaded(browser, claim) })
    expect(status).toBe(303)
    expect((await browser.get(to)).text).toMatch(/http-equiv="refresh".*pending score/s)
    // The claim's page leads on to what was submitted.
    expect((await browser.get(claim)).to).toBe(to)

    const submissionId = to.slice(to.lastIndexOf('/') + 1)
    await giveScore(api, submissionId, 2, 'It is blurred.')
    expect((await browser.get(to)).text).toMatch(/2 of 5 stars.*It is blurred\..*Attempts left: 2/s)
    const again = await browser.submit(to, `${to}/retry`, {})
    expect(again.status).toBe(303)
    await browser.submit(again.to, `${again.to}/submit`, {
      upload_id: await uploaded(browser, again.to, 'a better one'),
    })
    await giveScore(api, submissionId, 5, 'It is sharp.')
    const result = (await browser.get(to)).text
    expect(result).toMatch(/approved.*★★★★★.*It is sharp\..*It earned <strong>\$0\.\d\d/s)
    expect(result).not.toContain('refresh')
    const [, earned = ''] = /It earned <strong>(\$[\d.]+)/.exec(result) ?? []
    await creditEarning(api, otto, { submissionId, jobId, earned })
    await eventually(async () => {
      const { text } = await browser.get(`${WORK}/earnings`)
      expect(text).toContain(`You are owed <strong>${earned}</strong>. Approved files so far: 1.`)
      expect(text).toContain(to)
    })
  })

  it('is claimed once by a form that is sent twice', async () => {
    const browser = await signedIn(await addWorker(api, 'Twice'))
    const fields = { job_id: await jobOf(3), once: 'the same page' }
    const [one, two] = [
      await browser.submit(WORK, `${WORK}/claims`, fields),
      await browser.submit(WORK, `${WORK}/claims`, fields),
    ]
    expect([one.status, two.to]).toStrictEqual([303, one.to])
  })

  it('can be given back', async () => {
    const browser = await signedIn()
    const claim = await claimed(browser, await jobOf(1))
    expect((await browser.submit(claim, `${claim}/give-back`, {})).to).toBe(WORK)
    expect((await browser.get(claim)).status).toBe(409)
  })

  it('of another worker does not exist', async () => {
    const claim = await claimed(await signedIn(), await jobOf(1))
    const other = await signedIn(await addWorker(api, 'Other'))
    expect((await other.get(claim)).status).toBe(404)
    for (const step of ['submit', 'give-back', 'uploads']) {
      const fields = { upload_id: 'x', content_type: 'image/png', size_bytes: '9' }
      expect((await other.submit(WORK, `${claim}/${step}`, fields)).status).toBe(404)
    }
    for (const path of [claim.replace('claims', 'submissions'), `${WORK}/claims/none`, `${WORK}/submissions/none`])
      expect((await other.get(path)).status).toBe(404)
  })

  it('is refused with the reason, on a page or for the script', async () => {
    const browser = await signedIn()
    const jobId = await jobOf(1)
    const claim = await claimed(browser, jobId)
    const full = await browser.submit(WORK, `${WORK}/claims`, { job_id: jobId })
    expect([full.status, full.text.includes('The job has no free seat')]).toStrictEqual([409, true])
    expect((await browser.submit(WORK, `${WORK}/claims`, { job_id: 'none' })).status).toBe(404)
    for (const wrong of WRONG_FILES) {
      const fields = { content_type: 'image/png', size_bytes: '9', ...wrong }
      const { status, text } = await browser.submit(claim, `${claim}/uploads`, fields)
      expect([status, JSON.parse(text).error.type]).toStrictEqual([422, 'validation_error'])
    }
  })

  it('is listed a page at a time', async () => {
    for (let n = 0; n < 21; n++) await jobOf(1, `Page by page, job ${n}`)
    const browser = await signedIn()
    const first = (await browser.get(WORK)).text
    const [, older = ''] = /href="([^"]+cursor=[^"]+)"/.exec(first) ?? []
    const second = await browser.get(older)
    expect([first.includes('Page by page, job 20'), first.includes('Page by page, job 0')]).toStrictEqual([true, false])
    expect(second.text).toContain('Page by page, job 0')
    expect((await browser.get(`${WORK}?cursor=x`)).status).toBe(400)
  })
})

describe('the pages', () => {
  it('have nothing inline, and their script and style at addresses of their own', async () => {
    const browser = await signedIn()
    for (const { text } of [
      await newBrowser().get(WORK),
      await browser.get(WORK),
      await browser.get(`${WORK}/earnings`),
    ]) {
      expect(text).not.toMatch(
        /<style|style=|\son\w+=|javascript:|<script(?! src="\/firsthand\/work\/work\.js" defer><\/script>)/,
      )
    }
    for (const [path, type] of [
      ['work.js', 'text/javascript'],
      ['work.css', 'text/css'],
    ] as const) {
      const { status, headers } = await newBrowser().get(`${WORK}/${path}`)
      expect([status, headers.get('content-type')]).toStrictEqual([200, `${type}; charset=utf-8`])
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  it('stand in no document', () => {
    const paths = documentsOf([firsthand]).flatMap(({ document }) => Object.keys(document.paths ?? {}))
    expect(
      paths.filter((path) => path.includes('/work/') || path.endsWith('/work') || path.includes('checkout')),
    ).toStrictEqual([])
  })

  it('thank the buyer who comes back from the checkout', async () => {
    const { status, headers, text } = await newBrowser().get('/firsthand/checkout/done')
    expect([status, text.includes('<h1>Thank you</h1>')]).toStrictEqual([200, true])
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect([headers.get('x-content-type-options'), headers.get('cache-control')]).toStrictEqual(['nosniff', 'no-store'])
  })
})

describe('the workers’ API', () => {
  it.each([
    ['DELETE', '/worker/v1/jobs', 405],
    ['GET', '/worker/v1/none', 404],
    ['POST', '/worker/v2/jobs', 404],
  ])('answers %s %s with %i to a worker, and with 401 to nobody', async (method, path, expected) => {
    expect((await api.buy(method, path, { key: wilma.token })).status).toBe(expected)
    expect((await api.buy(method, path, { key: buyer.key })).status).toBe(expected)
    expect((await api.buy(method, path)).status).toBe(401)
  })
})

// The last one, since it uses up the address's wrong tokens.
describe('a token', () => {
  it('cannot be guessed at by one address without end', async () => {
    const browser = newBrowser()
    const form = tokenOn((await browser.get(WORK)).text)
    const attempt = (token: string) =>
      browser.send(`${WORK}/sign-in`, { method: 'POST', body: new URLSearchParams({ form, token }) })
    let refused = await attempt('wrong')
    for (let n = 0; n < defaultHttpLimits.authFailuresPerMinuteMax && refused.status === 401; n++)
      refused = await attempt('wrong')
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toStrictEqual([429, true])
    expect((await attempt(wilma.token)).status).toBe(303)
  })
})
