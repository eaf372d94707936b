import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { connectNats } from '../../src/engine/nats.ts'
import { natsUrl } from '../support/services.ts'
import { describeMessageStream, type StreamLimits, type StreamUnderTest } from '../support/stream-contract.ts'

const url = natsUrl()

async function openOn(address: string, limits: StreamLimits = {}): Promise<StreamUnderTest> {
  const prefix = `t${randomBytes(6).toString('hex')}`
  const options = { url: address, prefix, ...limits }
  let stream = await connectNats(options)
  return {
    stream,
    async reopen() {
      await stream.close()
      stream = await connectNats(options)
      return stream
    },
    async destroy() {
      await stream.close()
    },
  }
}

if (url) describeMessageStream('the stream over NATS', (limits) => openOn(url, limits))

describe('without a broker', () => {
  test('is down, refuses to publish at once, and closes', async () => {
    const stream = await connectNats({
      url: `nats://127.0.0.1:${await freePort()}`,
      prefix: 'opslog',
      connectTimeoutMs: 200,
    })
    expect(stream.isUp()).toBe(false)
    const publishing = stream.publish('commands', 'a', 'id', new Uint8Array(1))
    await expect(publishing).rejects.toThrow(expect.objectContaining({ name: 'StreamUnavailable' }))
    await stream.close()
  })
})
