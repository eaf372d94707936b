/** What ten minutes do to codes and links, by HTTP, through a whole installation whose clock is set ahead. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../projections/support.ts'
import { setClock } from '../../support/set-clock.ts'
import { type Stack, startStack } from '../../support/stack.ts'

const MINUTE_MS = 60_000

let stack: Stack
let sandbox: { url: string; standins: string; account: { api_key: string } }
beforeAll(async () => {
  stack = await startStack({
    hasOwnClock: true,
    environment: { SANDBOX_OPERATOR: 'on', KILLATAMATA_SANDBOX: 'on', CLOCK_CHECK_INTERVAL_MS: '20' },
  })
  sandbox = JSON.parse(readFileSync(join(dirname(stack.logFile), 'sandbox-killatamata.json'), 'utf8'))
}, 60_000)
afterAll(() => stack.close())

async function ask(method: string, path: string, body?: object, key?: string) {
  const answer = await fetch(`${sandbox.url}/api/v1/${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}
const post = (path: string, body: object = {}, key?: string) => ask('POST', path, body, key)
const refusal = ({ status, body }: Awaited<ReturnType<typeof post>>) => [status, body.code]

let aheadMs = 0
/** For the installation, once it has noticed; a test before may have let time pass as well. */
async function pass(ms: number): Promise<void> {
  aheadMs += ms
  await setClock(stack.databaseUrl, aheadMs)
  await eventually(async () => {
    const metrics = await (await fetch(`${stack.url}/metrics`)).text()
    const [, offsetS] = metrics.match(/^opslog_clock_offset_seconds (\S+)$/m) ?? []
    expect(Math.abs(Number(offsetS) + aheadMs / 1_000)).toBeLessThan(5)
  })
}

describe('a mailed code', () => {
  /** The code that is asked for now. `before`: the one of the last mail. */
  const mailed = async (email: string, before?: string): Promise<string> => {
    expect(await post('auth/email/start', { email })).toMatchObject({ status: 202, body: { expiresInSeconds: 600 } })
    return eventually(async () => {
      const answer = await fetch(`${sandbox.standins}/control/mail?to=${encodeURIComponent(email)}`)
      const { messages } = (await answer.json()) as { messages: { text: string }[] }
      const [code] = /\b\d{6}\b/.exec(messages[0]?.text ?? '') ?? []
      if (code === undefined || code === before) throw new Error('no mail has come')
      return code
    })
  }

  it('is good for ten minutes, and is refused like a wrong one from then on', async () => {
    const [early, late] = ['early@example.com', 'late@example.com']
    const codes = { early: await mailed(early), late: await mailed(late) }
    await pass(9 * MINUTE_MS)
    expect((await post('auth/email/verify', { email: early, code: codes.early })).status).toBe(201)
    await pass(2 * MINUTE_MS)
    const expired = await post('auth/email/verify', { email: late, code: codes.late })
    const wrong = await post('auth/email/verify', { email: 'nobody@example.com', code: codes.late })
    expect(refusal(expired)).toStrictEqual([401, 'code_invalid'])
    const { request_id: _, ...said } = expired.body
    expect(wrong).toMatchObject({ status: 401, body: said })
    const browser = await post('auth/browser/email/verify', { email: late, code: codes.late })
    expect(refusal(browser)).toStrictEqual([401, 'code_invalid'])
    // Another one opens the account.
    expect((await post('auth/email/verify', { email: late, code: await mailed(late, codes.late) })).status).toBe(201)
  })
})

describe('a link of a device', () => {
  const start = async () => (await post('device/link/start', { keyLabel: 'tv' })).body as Record<string, string>
  const statusOf = async (userCode = '') => (await ask('GET', `device/link/request?userCode=${userCode}`)).body.status
  const approve = ({ userCode = '' }) => post('device/link/approve', { userCode }, sandbox.account.api_key)
  const poll = ({ deviceCode = '' }) => post('device/link/poll', { deviceCode })

  it('lasts ten minutes, approved or not; whoever asks afterwards is told so', async () => {
    const [used, approved, forgotten] = [await start(), await start(), await start()]
    expect((await poll(forgotten)).body).toMatchObject({ ok: true, status: 'pending' })
    await pass(9 * MINUTE_MS)
    expect((await approve(used)).status).toBe(200)
    expect((await approve(approved)).status).toBe(200)
    expect((await poll(used)).body).toMatchObject({ status: 'approved', label: 'tv' })
    await pass(2 * MINUTE_MS)
    for (const link of [approved, forgotten]) {
      expect(refusal(await poll(link))).toStrictEqual([410, 'device_link_expired'])
      expect(await statusOf(link.userCode)).toBe('expired')
    }
    expect(refusal(await approve(forgotten))).toStrictEqual([410, 'device_link_expired'])
    expect(refusal(await poll(used))).toStrictEqual([410, 'device_link_consumed'])
    expect(await statusOf(used.userCode)).toBe('consumed')
  })
})
