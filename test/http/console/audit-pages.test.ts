/** Pages about the log: a history, a state at two moments, a trace, a stream. Each reader is shown its own, on record. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Api, startApi } from '../api.ts'
import { accountRequest, type TestOperator } from '../noctant/serving.ts'
import { administrator, headingOf, operator, type Visitor } from './browsing.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
let api: Api
let acme: TestOperator
let admin: Visitor
let own: Visitor
let other: Visitor
let auditor: Visitor
let account: Record<string, string>
let stream: string

beforeAll(async () => {
  api = await startApi({ traceUrlTemplate: 'https://traces.example.com/of/{trace_id}?all' })
  ;[acme] = await Promise.all([api.addOperator()])
  const [{ key }, another] = await Promise.all([api.addAuditor(acme.operatorId), api.addOperator()])
  ;[admin, own, other, auditor] = await Promise.all([
    administrator(api),
    operator(api, acme.key),
    operator(api, another.key),
    operator(api, key),
  ])
  await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'trader-1' } })
  account = (await api.call('POST', '/v1/accounts', { key: acme.key, body: accountRequest('ACC-7') })).body.account
  stream = `noctant.account-${account.program_account_id}`
  await api.call('PATCH', '/v1/accounts/by-external-id/status?external_account_id=ACC-7', {
    key: acme.key,
    headers: { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` },
    body: { status: 'disabled', reason: 'a <b>rule</b>', idempotency_key: 'disable-1', force_close_positions: false },
  })
})
afterAll(() => api.stop())

const readings = async (type: string) =>
  (await Array.fromAsync(api.rawLog.readAll())).filter((event) => event.type === type).length

describe('a history', () => {
  it('tells in sentences what happened, what one request did together, and leads on', async () => {
    const seen = await admin.get('/console/history/ACC-7')
    expect([seen.status, headingOf(seen)]).toEqual([200, 'History of ACC-7'])
    const groups = seen.page.querySelectorAll('.history > li')
    expect(groups.length).toBeGreaterThanOrEqual(2)
    expect(groups.at(-1)?.text).toContain('active to disabled: a <b>rule</b>')
    for (const link of seen.page.querySelectorAll('.history a')) {
      const { status } = await admin.get(link.getAttribute('href') ?? '')
      expect([link.getAttribute('href'), status]).toEqual([link.getAttribute('href'), 200])
    }
  })

  it.each(['account_id', 'external_account_id'])('takes an account’s %s', async (name) => {
    expect((await own.get(`/console/history/${account[name]}`)).text).toContain('active to disabled')
  })

  it('is shown to its own operator and its auditor, each reading on record, and to no other', async () => {
    const before = await readings('audit.HistoryRead.v1')
    for (const visitor of [own, auditor]) expect((await visitor.get('/console/history/ACC-7')).status).toBe(200)
    expect((await other.get('/console/history/ACC-7')).status).toBe(404)
    await vi.waitFor(async () => expect(await readings('audit.HistoryRead.v1')).toBe(before + 3))
  })

  it('comes as CSV and JSON too', async () => {
    const { text } = await admin.get('/console/history/ACC-7?format=json')
    expect(JSON.parse(text)).toEqual(expect.arrayContaining([expect.objectContaining({ stream })]))
  })
})

describe('a state', () => {
  it('is that of now, of a moment, and of two of them with what differs marked', async () => {
    const now = await admin.get(`/console/states/${stream}`)
    expect(now.status).toBe(200)
    expect(now.page.querySelector('main')?.text).toContain('disabled')
    const behind = now.page.querySelectorAll('main a').filter(({ text }) => text === 'behind it')
    const first = await admin.get(behind.at(-1)?.getAttribute('href') ?? '')
    expect(first.page.querySelector(`[data-column=now]`)?.text).toBeDefined()
    expect(first.page.querySelectorAll('[data-column=now]').map(({ text }) => text)).not.toContain('disabled')
    const row = now.page.querySelectorAll('tr').find(({ text }) => text.includes('from active to disabled'))
    const changed = row?.querySelectorAll('a').find(({ text }) => text === 'what it changed')
    const compared = await admin.get(changed?.getAttribute('href') ?? '')
    const rows = compared.page.querySelectorAll('tr').filter((row) => row.querySelector('mark'))
    expect(rows.length).toBeGreaterThan(0)
    expect(compared.page.querySelectorAll('[data-column=path]').length).toBe(rows.length)
    const texts = rows.map((row) => row.text)
    expect(texts.some((text) => text.includes('active') && text.includes('disabled'))).toBe(true)
  })

  it('can be stepped through, event by event', async () => {
    const now = await admin.get('/console/states/ACC-7')
    const earlier = now.page.querySelectorAll('.pager a').find(({ text }) => text === 'One event earlier')
    const before = await admin.get(earlier?.getAttribute('href') ?? '')
    expect(before.status).toBe(200)
    expect(before.page.querySelectorAll('.pager a').map(({ text }) => text)).toContain('One event later')
  })

  it('of before the thing was says so', async () => {
    const { text } = await admin.get('/console/states/ACC-7?at=2020-01-01')
    expect(text).toContain('There was nothing of it at this moment.')
    expect((await admin.get('/console/states/ACC-7?at=yesterday')).status).toBe(400)
  })

  it('is shown to its own operator without positions of others, and to no other', async () => {
    const seen = await own.get('/console/states/ACC-7')
    expect(seen.status).toBe(200)
    const [behind] = seen.page.querySelectorAll('main a').filter(({ text }) => text === 'behind it')
    expect(behind?.getAttribute('href')).not.toMatch(/at=\d+(&|$)/)
    expect((await own.get(behind?.getAttribute('href') ?? '')).status).toBe(200)
    expect((await other.get('/console/states/ACC-7')).status).toBe(404)
  })
})

describe('a trace', () => {
  it('has each step with its place on a line of time', async () => {
    const [, disabled] = await Array.fromAsync(api.rawLog.readStream(stream))
    const seen = await own.get(`/console/traces/${disabled?.id}`)
    expect(seen.status).toBe(200)
    const steps = seen.page.querySelectorAll('tbody tr')
    expect(steps.length).toBeGreaterThan(0)
    expect(seen.page.querySelectorAll('svg.bars rect')).toHaveLength(steps.length)
    expect((await other.get(`/console/traces/${disabled?.id}`)).status).toBe(404)
  })

  it('leads to where its spans are shown', async () => {
    const events = await Array.fromAsync(api.rawLog.readStream(stream))
    const [opened, disabled] = ['AccountOpened', 'AccountStatusChanged'].map((name) =>
      events.find(({ type }) => type.includes(name)),
    )
    const spansOf = async (id: string | undefined) => {
      const links = (await own.get(`/console/traces/${id}`)).page.querySelectorAll('main .tools a')
      return links.filter(({ text }) => text.startsWith('Spans')).map((each) => each.getAttribute('href'))
    }
    expect(await spansOf(disabled?.id)).toEqual([`https://traces.example.com/of/${TRACE_ID}?all`])
    expect(await spansOf(opened?.id)).toEqual([])
  })
})

describe('a stream', () => {
  it('has its events in their order, and its chain', async () => {
    const seen = await admin.get(`/console/streams/${stream}`)
    expect([seen.status, headingOf(seen)]).toEqual([200, `Stream ${stream}`])
    expect(seen.page.querySelectorAll('[data-column=revision]').map(({ text }) => text)).toEqual(
      expect.arrayContaining(['0', '1']),
    )
    expect(seen.page.querySelector('[data-field=chain]')?.text).toContain('holds')
    const second = await admin.get(`/console/streams/${stream}?from=1`)
    expect(second.page.querySelector('[data-column=revision]')?.text).toBe('1')
    expect((await other.get(`/console/streams/${stream}`)).status).toBe(404)
    expect((await admin.get(`/console/streams/${stream}?from=x`)).status).toBe(400)
  })
})

describe('the overview', () => {
  it('tells an auditor how far and when it has verified, what it has read last, and nobody else that', async () => {
    const keyOf = async (operatorId: string | null) => (await api.addAuditor(operatorId)).key
    const [ofAcme, ofAll] = [await keyOf(acme.operatorId), await keyOf(null)]
    const [one, all] = [await operator(api, ofAcme), await operator(api, ofAll)]
    const cards = async (visitor: Visitor) => {
      const { page } = await visitor.get('/console')
      return new Map(
        page.querySelectorAll('.cards-grid section').map((each) => [each.querySelector('h2')?.text, each.text]),
      )
    }
    expect((await cards(one)).get('Your readings')).toMatch(/not verified the log lately[\s\S]*read nothing yet/)
    const verified = await api.audit('/v1/verifications?all', { key: ofAll })
    expect(verified.status).toBe(200)
    await api.audit(`/v1/verifications?stream=${stream}`, { key: ofAcme })
    expect((await cards(one)).get('Your readings')).toMatch(/not verified the log lately/)
    await api.audit('/v1/verifications?all', { key: ofAcme })
    await one.get('/console/history/ACC-7')
    await vi.waitFor(async () => {
      const own = (await cards(one)).get('Your readings') ?? ''
      expect(own).toContain('read the history of ACC-7')
      // A position tells how much all others have written.
      expect(own).toMatch(/Verified up to position (?!\d+,)\S+, 20/)
      expect((await cards(all)).get('Your readings')).toMatch(/Verified up to position \d+, 20/)
    })
    expect([...(await cards(one)).keys()]).not.toContain('Last seal')
    expect((await cards(all)).get('Last seal')).toContain('has not been sealed')
    expect([...(await cards(own)).keys()]).not.toContain('Your readings')
    // To look at it is no reading.
    const recorded = async () =>
      (await Array.fromAsync(api.rawLog.readAll())).filter(
        ({ type }) => type.startsWith('audit.') && type.includes('Read'),
      ).length
    const before = await recorded()
    await cards(all)
    expect(await recorded()).toBe(before)
  })

  it('and Events show administrators what read models take in, a second', async () => {
    const seen = await admin.get('/console/events')
    expect(seen.page.querySelectorAll('figure.plot figcaption').map(({ text }) => text)).toEqual([
      expect.stringContaining('Events taken in'),
    ])
    expect((await admin.get('/console/events?part=plot-events')).text).toContain('<svg')
    expect(JSON.parse((await admin.get('/console/events?plot=events')).text)).toBeInstanceOf(Array)
    for (const visitor of [own, auditor]) {
      expect((await visitor.get('/console/events')).page.querySelectorAll('figure.plot')).toHaveLength(0)
      expect((await visitor.get('/console/events?part=plot-events')).status).toBe(404)
    }
  })
})

it('no page leads to one that there is not', async () => {
  const known = new Map<string, number>()
  const waiting = ['/console']
  /** Lists lead to more of the same, and things to things: each kind of address a few times. */
  const kinds = new Map<string, number>()
  const kindOf = (path: string) => path.replace(/[?].*/, '').replaceAll(/[^/]*\d[^/]*/g, ':id')
  for (let path = waiting.shift(); path !== undefined && known.size < 200; path = waiting.shift()) {
    if (known.has(path)) continue
    const seen = await admin.get(path)
    known.set(path, seen.status)
    for (const link of seen.page.querySelectorAll('a[href^="/console"]')) {
      const next = (link.getAttribute('href') ?? '').replaceAll('&amp;', '&')
      const times = kinds.get(kindOf(next)) ?? 0
      if (known.has(next) || waiting.includes(next) || times >= 6) continue
      kinds.set(kindOf(next), times + 1)
      waiting.push(next)
    }
  }
  const wrong = [...known].filter(([, status]) => status !== 200 && status !== 303)
  expect(wrong).toEqual([])
  expect(known.size).toBeGreaterThan(40)
})
