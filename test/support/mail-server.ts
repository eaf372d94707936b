/** A mail server that keeps what it takes, and refuses as a test says. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'

/** `wanted`: its port; 0: a free one. */
export async function startMailServer(wanted = 0) {
  const taken: { to: string[]; from: string; source: string }[] = []
  const state = { refusal: undefined as { responseCode: number } | undefined, attempts: 0 }
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onAuth: (auth, _, done) =>
      auth.username === 'opslog' && auth.password === 'p@ss' ? done(null, { user: 'opslog' }) : done(new Error('no')),
    onRcptTo(_, __, done) {
      state.attempts += 1
      const { refusal } = state
      done(refusal ? Object.assign(new Error('not now'), refusal) : undefined)
    },
    onData(stream, { envelope }, done) {
      text(stream).then((source) => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
        taken.push({ to: envelope.rcptTo.map(({ address }) => address), from, source })
        done()
      }, done)
    },
  })
  const listening = server.listen(wanted, '127.0.0.1')
  await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  return {
    ...{ taken, port },
    state,
    url: `smtp://opslog:${encodeURIComponent('p@ss')}@127.0.0.1:${port}`,
    close: () => new Promise<void>((done) => server.close(() => done())),
  }
}
