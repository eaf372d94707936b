/** What is shown once, such as a new key, travels in a cookie from the action to the page behind it. */
import { Hono } from 'hono'
import { html } from 'hono/html'
import { describe, expect, it } from 'vitest'
import { keepOnce, takeOnce } from '../../../src/http/console/once.ts'
import { createSealer } from '../../../src/http/cursor.ts'
import type { AppEnv } from '../../../src/http/environment.ts'

const sealer = createSealer(() => [new Uint8Array(32)])
const app = new Hono<AppEnv>()
app.get('/keep/:secure', async (c) => {
  const secure = c.req.param('secure') === 'https'
  await keepOnce(c, sealer, { sessionId: 'mine', shown: html`<code>new-key</code>`, secure })
  return c.body(null)
})
app.get('/take/:session', async (c) => c.html(html`${takeOnce(c, sealer, c.req.param('session'))}`))

const kept = async (way: 'http' | 'https'): Promise<string> =>
  (await app.request(`/keep/${way}`)).headers.get('set-cookie') ?? ''
const taken = async (session: string): Promise<string> => {
  const [cookie = ''] = (await kept('https')).split(';')
  return (await app.request(`/take/${session}`, { headers: { cookie } })).text()
}

describe('what is shown once', () => {
  it('goes back by https alone where it came by https, and holds nothing to be read', async () => {
    expect(await kept('https')).toMatch(/; HttpOnly; Secure; SameSite=Strict$/)
    expect(await kept('http')).not.toContain('Secure')
    expect(await kept('https')).not.toContain('new-key')
  })

  it('is shown to the session that brought it about, and to no other', async () => {
    expect(await taken('mine')).toBe('<code>new-key</code>')
    expect(await taken('another')).toBe('')
  })
})
