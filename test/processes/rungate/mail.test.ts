/** Mails through a whole instance: to a real SMTP server, and into the local mailbox that this user alone can read. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { account } from '../../../src/commands/rungate/account.ts'
import { eventually } from '../../projections/support.ts'
import { startMailServer } from '../../support/mail-server.ts'
import { type Stack, startStack } from '../../support/stack.ts'

const MINUTE_MS = 60_000

const newEmail = () => `ada-${randomUUID().slice(0, 8)}@example.com`
const ask = (of: Stack, email: string) =>
  fetch(`${of.url}/rungate/auth/start`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email }),
  })

describe('with a mail server', () => {
  let server: Awaited<ReturnType<typeof startMailServer>>
  let stack: Stack
  beforeAll(async () => {
    server = await startMailServer()
    stack = await startStack({
      environment: {
        ...{ SMTP_URL: server.url, MAIL_FROM: 'Rungate <hello@rungate.example>' },
        ...{ MAIL_RETRY_WAITS_MS: '50,50,50,50', MAIL_POLL_INTERVAL_MS: '100' },
      },
    })
  })
  afterAll(async () => {
    await stack.close()
    await server.close()
  })
  const mailsTo = (email: string) => server.taken.filter(({ to }) => to.includes(email))

  it('a link leaves by SMTP, as text and as HTML, from the configured sender', async () => {
    const email = newEmail()
    expect(await (await ask(stack, email)).json()).toMatchObject({ data: { devMode: false } })
    await eventually(() => expect(mailsTo(email)).toHaveLength(1))
    const [mail] = mailsTo(email)
    expect(mail?.from).toBe('hello@rungate.example')
    expect(mail?.source).toMatch(/^From: Rungate <hello@rungate\.example>\r$/m)
    expect(mail?.source).toMatch(/^Message-ID: <[0-9a-f-]{36}@rungate\.example>\r$/im)
    expect(mail?.source).toMatch(/^Content-Type: multipart\/alternative/m)
    expect(mail?.source.replaceAll('=\r\n', '')).toMatch(/\/rungate\/login#token=(3D)?[0-9a-f]{64}/)
  })

  it('is tried again while the server will not have it, five times, and under one id', async () => {
    const email = newEmail()
    server.state.refusal = { responseCode: 451 }
    server.state.attempts = 0
    await ask(stack, email)
    await eventually(() => expect(server.state.attempts).toBe(3))
    server.state.refusal = undefined
    await eventually(() => expect(mailsTo(email)).toHaveLength(1))
    server.state.refusal = { responseCode: 451 }
    server.state.attempts = 0
    await ask(stack, newEmail())
    const given = async () => {
      const { rows } = await mailsIn(stack)
      expect(rows).toContain('failed 5')
    }
    await eventually(given)
    expect(server.state.attempts).toBe(5)
    server.state.refusal = undefined
  })

  it('is given up at once where the server will never have it', async () => {
    server.state.refusal = { responseCode: 550 }
    server.state.attempts = 0
    await ask(stack, newEmail())
    await eventually(async () => expect((await mailsIn(stack)).rows).toContain('failed 1'))
    expect(server.state.attempts).toBe(1)
    server.state.refusal = undefined
  })

  it('is not sent to somebody whose account is suspended', async () => {
    const suspended = await ownerOf(stack, async (email) => {
      await eventually(() => expect(mailsTo(email)).toHaveLength(1))
      return /#token=(?:3D)?([0-9a-f]{64})/.exec(mailsTo(email)[0]?.source.replaceAll('=\r\n', '') ?? '')?.[1] ?? ''
    })
    const suspension = { kind: 'suspend', reason: null, at: new Date().toISOString() } as const
    await stack.bus.handle(account, suspended.accountId, suspension, stack.adminContext())
    expect((await ask(stack, suspended.email)).status).toBe(200)
    await eventually(async () => expect((await mailsIn(stack)).rows).toContain('failed 0'))
    expect(mailsTo(suspended.email)).toHaveLength(1)
  })

  it('has no local mailbox', async () => {
    expect((await fetch(`${stack.url}/rungate/dev/mailbox`)).status).toBe(404)
  })
})

/** `<status> <attempts>` of the mails of an instance. */
async function mailsIn({ databaseUrl }: Stack): Promise<{ rows: string[] }> {
  const { createDatabase } = await import('../../../src/postgres/database.ts')
  const { sql } = await import('kysely')
  const db = createDatabase({ url: databaseUrl, poolMax: 1 })
  try {
    const { rows } = await sql<{
      status: string
      attempts: number
    }>`SELECT status, attempts FROM rungate_mails`.execute(db)
    return { rows: rows.map(({ status, attempts }) => `${status} ${attempts}`) }
  } finally {
    await db.destroy()
  }
}

async function ownerOf(of: Stack, tokenOf: (email: string) => Promise<string>) {
  const post = (path: string, body: object, cookie = '') =>
    fetch(`${of.url}/rungate/auth/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie },
      body: JSON.stringify(body),
    })
  const email = newEmail()
  await post('start', { email })
  const verified = await post('verify', { token: await tokenOf(email) })
  const cookie = verified.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const made = (await (await post('complete-registration', { name: 'Acme' }, cookie)).json()) as {
    data: { account: { id: string } }
  }
  return { email, cookie, accountId: made.data.account.id }
}

describe('without a mail server', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack({ environment: { MAILBOX_MAX: '3', RUNGATE_LOGINS_PER_CALLER_HOUR_MAX: '1000' } })
  })
  afterAll(() => stack.close())

  interface Boxed {
    data: Record<string, string | null>[]
    total: number
  }
  const mailbox = async (query = ''): Promise<Boxed> =>
    (await (await fetch(`${stack.url}/rungate/dev/mailbox${query}`)).json()) as Boxed
  /** With headers that fetch does not let a caller set. */
  const statusWith = async (headers: Record<string, string>): Promise<number> => {
    const asking = request(`${stack.url}/rungate/dev/mailbox`, { headers })
    asking.end()
    const [answer] = (await once(asking, 'response')) as [import('node:http').IncomingMessage]
    answer.resume()
    return answer.statusCode ?? 0
  }

  it('a mail lies in the mailbox, with what it brings, newest first and so many only', async () => {
    const emails = Array.from({ length: 4 }, newEmail)
    for (const email of emails) {
      await ask(stack, email)
      await eventually(async () => expect((await mailbox(`?to=${email.toUpperCase()}`)).total).toBe(1))
    }
    const { data, total } = await mailbox('?limit=2')
    expect([total, data.map(({ to }) => to)]).toStrictEqual([3, [emails[3], emails[2]]])
    const [last] = data
    expect(last).toMatchObject({
      code: expect.stringMatching(/^\d{6}$/),
      token: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(last?.text).toContain(`${stack.url}/rungate/login#token=${last?.token}`)
    expect(Date.parse(last?.sent_at ?? '')).toBeGreaterThan(Date.now() - MINUTE_MS)
    expect((await fetch(`${stack.url}/rungate/dev/mailbox?limit=0`)).status).toBe(400)
    expect(await mailbox('?to=%00')).toStrictEqual({ data: [], total: 0 })
  })

  it('is shown to nobody who stands behind a proxy, or comes by a foreign name', async () => {
    expect(await statusWith({})).toBe(200)
    const told = [
      ['x-forwarded-for', '127.0.0.1'],
      ['forwarded', 'for=127.0.0.1'],
      ['host', 'evil.example'],
    ] as const
    for (const [name, value] of told) {
      expect(await statusWith({ [name]: value }), name).toBe(404)
    }
  })

  it('is shown to no other user of this machine', async () => {
    expect(await statusWith({})).toBe(200)
    // Whoever asks is another one as soon as the instance's user is.
    const { getuid } = process
    vi.spyOn(process, 'getuid').mockImplementation(() => (getuid?.() ?? 0) + 1)
    expect(await statusWith({})).toBe(process.platform === 'linux' ? 404 : 200)
    vi.restoreAllMocks()
  })

  it('has pages that links lead to, which load nothing from elsewhere and run nothing inline', async () => {
    for (const path of ['login', 'invitation']) {
      const page = await fetch(`${stack.url}/rungate/${path}`)
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self'/)
      expect(page.headers.get('referrer-policy')).toBe('no-referrer')
      const html = await page.text()
      expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bon\w+=|style=/)
      const [, script = ''] = /<script src="([^"]+)"/.exec(html) ?? []
      const served = await fetch(`${stack.url}${script}`)
      expect([served.status, served.headers.get('content-type')]).toStrictEqual([200, 'text/javascript; charset=utf-8'])
    }
  })
})
