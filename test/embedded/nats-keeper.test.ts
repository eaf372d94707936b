/**
 * A nats-server that serves again by itself after its disk was full. Seen to fail with startNatsServer in the keeper's
 * place: JetStream stayed off, and nothing was published any more.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keepNatsServer } from '../../src/embedded/nats-keeper.ts'
import { connectNats } from '../../src/gateway/nats.ts'
import type { MessageStream } from '../../src/gateway/stream.ts'
import { natsBinary, type TemporaryDirectory, temporaryDirectory } from '../support/services.ts'
import { limitFiles, mountSmallDisk } from '../support/small-disk.ts'

const DISK_BYTES = 24 * 1_024 ** 2
/** Where no disk can be mounted: the longest file that the server may write meanwhile. */
const FILE_BYTES = 16 * 1_024
const BODY = new Uint8Array(4_096).fill(120)

let directory: TemporaryDirectory
beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(() => directory.remove())

/** Publishes until the stream takes a message; its id. */
async function published(stream: MessageStream, name: string): Promise<string> {
  let tries = 0
  return vi.waitFor(
    async () => {
      const id = `${name}-${++tries}`
      await stream.publish('commands', 'account', id, BODY)
      return id
    },
    { timeout: 20_000, interval: 20 },
  )
}

const binary = natsBinary()
if (binary) test('publishes again, with all it had, once there is space', { timeout: 60_000 }, () => filled(binary))

async function filled(binary: string): Promise<void> {
  const path = `${directory.path}/disk`
  const disk = mountSmallDisk(path, DISK_BYTES)
  const restarts: string[] = []
  const server = await keepNatsServer({
    binary,
    directory: path,
    probeIntervalMs: 50,
    roomMinBytes: 1_024 ** 2,
    onRestart: (reason) => restarts.push(reason),
  })
  const first = server.pid
  const stream = await connectNats({ url: server.url, prefix: 'kept', publishTimeoutMs: 300, reconnectWaitMsMax: 100 })
  try {
    const before = await published(stream, 'before')
    if (disk) disk.fill()
    else limitFiles(first, FILE_BYTES)
    let refusals = 0
    await vi.waitFor(
      async () => {
        await stream.publish('commands', 'account', `during-${refusals}`, BODY).catch(() => {
          refusals += 1
        })
        expect(refusals).toBeGreaterThan(2)
      },
      { timeout: 20_000, interval: 5 },
    )
    // Without space no start is tried, which would end as the last one did.
    if (disk) expect(restarts).toEqual([])
    disk?.free()
    const after = await published(stream, 'after')
    expect(restarts.length).toBeGreaterThan(0)
    // The old one may have taken the message yet, on its way out.
    await vi.waitFor(() => expect(server.pid).not.toBe(first), { timeout: 20_000 })
    expect(await stream.publish('commands', 'account', before, BODY)).toMatchObject({ duplicate: true })
    expect(await stream.publish('commands', 'account', after, BODY)).toMatchObject({ duplicate: true })
  } finally {
    await stream.close()
    await server.stop()
    disk?.unmount()
  }
}
