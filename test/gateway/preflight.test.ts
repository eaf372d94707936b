import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it, vi } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { checkNats } from '../../src/gateway/preflight.ts'
import { natsBinary, natsUrl } from '../support/services.ts'

const TIMEOUT_MS = 3_000
const url = natsUrl()
const binary = natsBinary()
const check = (address: string) => checkNats(address, TIMEOUT_MS)
const unusable = (what: RegExp) => ({ kind: 'unusable', what: expect.stringMatching(what) })

it.each(['http://localhost:4222', 'localhost:4222', 'nats://one:4222,two:4222'])('%s is refused', async (address) => {
  expect(await check(address)).toEqual(unusable(/not an address of a NATS server: give nats:\/\//))
})

it('an address with a malformed part is refused', async () => {
  expect(await check('nats://local host:4222')).toEqual(unusable(/a part of it is malformed/))
})

it('a server that nobody has started is absent', async () => {
  const found = await check(`nats://127.0.0.1:${await freePort()}`)
  expect(found).toEqual({ kind: 'absent', what: expect.stringMatching(/NATS cannot be reached .*CONNECTION_REFUSED/) })
})

if (url && binary) {
  it('a server with JetStream serves', async () => {
    expect(await check(url)).toEqual({ kind: 'serves' })
  })

  it('wrong credentials are refused, and not shown', async () => {
    const { host } = new URL(url)
    for (const credentials of ['', 'opslog:wrong-one@', 'wrong-token@']) {
      const found = await check(`nats://${credentials}${host}`)
      expect(found).toEqual(unusable(/refuses the credentials.*nats:\/\/user:password@host:port/))
      expect(JSON.stringify(found)).not.toContain('wrong-')
    }
  })

  it('a server without JetStream is refused', async () => {
    const port = await freePort()
    const server = spawn(binary, ['--addr', '127.0.0.1', '--port', String(port)], { stdio: 'ignore' })
    await vi.waitFor(async () => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.destroy()
    })
    expect(await check(`nats://127.0.0.1:${port}`)).toEqual(unusable(/has no JetStream. Start it with --jetstream/))
    server.kill()
    await once(server, 'exit')
  })
}
