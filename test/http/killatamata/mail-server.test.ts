/** A mail server that is away: who asks for a code is answered all the same, and the mail comes when it is back, if it is still of use. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startMailServer } from '../../support/mail-server.ts'
import { type ServedKillatamata, startKillatamata } from './serving.ts'

let served: ServedKillatamata
let port: number
let back: Awaited<ReturnType<typeof startMailServer>> | undefined
let now = Date.now()
beforeAll(async () => {
  const server = await startMailServer()
  port = server.port
  await server.close()
  served = await startKillatamata({
    processes: ['killatamata-mail'],
    clock: () => new Date(now),
    env: {
      ...{ SMTP_URL: server.url, MAIL_RETRY_WAITS_MS: Array(20).fill('20').join(), MAIL_POLL_INTERVAL_MS: '20' },
      EMAIL_STARTS_PER_ADDRESS_PER_HOUR: '100',
    },
  })
}, 60_000)
afterAll(async () => {
  await served.stop()
  // Connections to it are kept as long as mails may come.
  await back?.close()
})

const failures = (email: string) =>
  served.logged.filter(({ message }) => message === 'a mail was not sent').length > 0 ? email : undefined

it('keeps the mail until it is back, or the code has expired', async () => {
  const start = (email: string) => served.post('auth/email/start', { email })
  expect((await start('late@example.com')).status).toBe(202)
  await vi.waitFor(() => expect(failures('late@example.com')).toBeDefined(), { timeout: 10_000 })
  // Ten minutes go by, and its code is of no use any more.
  now += 601_000
  expect((await start('patient@example.com')).status).toBe(202)
  back = await startMailServer(port)
  const { taken } = back
  const arrived = () => taken.flatMap(({ to }) => to)
  const isThere = () => {
    // Its next attempt is due.
    now += 100
    expect(arrived()).toContain('patient@example.com')
  }
  await vi.waitFor(isThere, { timeout: 15_000, interval: 50 })
  expect(arrived()).not.toContain('late@example.com')
  const code = /code to sign in is (\d{6})/.exec(
    taken.find(({ to }) => to.includes('patient@example.com'))?.source ?? '',
  )
  const verify = { email: 'patient@example.com', code: code?.[1] }
  expect((await served.post('auth/email/verify', verify)).status).toBe(201)
})
