import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { isOwnUser } from '../../src/runtime/own-user.ts'

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

/** As the kernel has it: local and remote address, state 01 for open, user. */
const line = (local: string, remote: string, state: string, user: number) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${user}        0 70955 1`

describe('what the kernel says', () => {
  const own = process.getuid?.() ?? 0
  const ends = { localPort: 8080, remotePort: 40_000 }
  const v4 = { ...ends, localAddress: '127.0.0.1', remoteAddress: '::ffff:127.0.0.1' }
  const v6 = { ...ends, localAddress: '::1', remoteAddress: '::1' }
  const [near4, far4] = ['0100007F:9C40', '0100007F:1F90']
  const [near6, far6] = ['9C40', '1F90'].map((port) => `00000000000000000000000001000000:${port}`) as [string, string]
  const mapped = (address: string) => `0000000000000000FFFF0000${address}`
  const says =
    (tcp: string, tcp6 = '') =>
    (file: string) =>
      file.endsWith('6') ? tcp6 : tcp

  test.each<[string, object, ReturnType<typeof says>, boolean]>([
    ['of an open one is its user', v4, says(line(near4, far4, '01', own)), true],
    ['of another user’s is that user', v4, says(line(near4, far4, '01', own + 1)), false],
    [
      'of one between two ports that are the other way round counts for the other end',
      v4,
      says(line(far4, near4, '01', own)),
      false,
    ],
    ['of one that was closed is no user’s', v4, says(line(near4, far4, '08', own)), false],
    ['of a user whom this process is not shown is nobody', v4, says(line(near4, far4, '01', 65_534)), false],
    ['stands among the IPv6 ones, where the address does', v6, says('', line(near6, far6, '01', own)), true],
    [
      'stands there too where an IPv4 client comes to an IPv6 server',
      v4,
      says('', line(mapped(near4), mapped(far4), '01', own)),
      true,
    ],
    ['is nothing where there is no such file', v4, () => '', false],
  ])('%s', (_what, socket, read, isIt) => {
    expect(isOwnUser(socket as Socket, read)).toBe(isIt)
  })
})

test('a connection that its owner has closed is nobody’s: the kernel says user 0 of it', async () => {
  const [near, far] = [connect(port, '127.0.0.1'), await accepted()]
  near.destroy()
  far.resume()
  await once(far, 'end')
  expect(isOwnUser(far)).toBe(false)
  far.destroy()
})

test('a connection of another user is not', async () => {
  const [near, far] = [connect(port, '127.0.0.1'), await accepted()]
  const { getuid } = process
  const isOwn = () => isOwnUser(far)
  expect(isOwn()).toBe(process.platform === 'linux')
  // It is another one's as soon as this process is.
  vi.spyOn(process, 'getuid').mockImplementation(() => (getuid?.() ?? 0) + 1)
  expect(isOwn()).toBe(false)
  vi.restoreAllMocks()
  near.destroy()
  far.destroy()
})
