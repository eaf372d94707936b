import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isOwnUser } from '../../src/runtime/own-user.ts'

const NOBODY = 65_534

let server: Server
let port: number
beforeAll(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(() => server.close())

const accepted = async (): Promise<Socket> => (await once(server, 'connection'))[0]

test('a connection of this process is its own user’s, where the kernel tells', async () => {
  const [near, far] = [connect(port, '127.0.0.1'), await accepted()]
  expect(isOwnUser(far)).toBe(process.platform === 'linux')
  near.destroy()
  far.destroy()
})

if (networkInterfaces().lo?.some(({ address }) => address === '::1')) {
  test.each([
    ['::1', '::1'],
    ['::', '127.0.0.1'],
  ])('so is one that a server on %s takes at %s', async (host, named) => {
    const other = createServer().listen(0, host)
    await once(other, 'listening')
    const near = connect((other.address() as AddressInfo).port, named)
    const [far] = (await once(other, 'connection')) as [Socket]
    expect(isOwnUser(far)).toBe(process.platform === 'linux')
    near.destroy()
    far.destroy()
    other.close()
  })
}

test('a connection that its owner has closed is nobody’s: the kernel says user 0 of it', async () => {
  const [near, far] = [connect(port, '127.0.0.1'), await accepted()]
  near.destroy()
  far.resume()
  await once(far, 'end')
  expect(isOwnUser(far)).toBe(false)
  far.destroy()
})

if (process.getuid?.() === 0 && process.platform === 'linux') {
  test('a connection of another user is not', async () => {
    const script = `exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3`
    const other: ChildProcess = spawn('bash', ['-c', script], { uid: NOBODY, gid: NOBODY, cwd: '/' })
    const far = await accepted()
    expect(isOwnUser(far)).toBe(false)
    far.destroy()
    await once(other, 'exit')
  })
}
