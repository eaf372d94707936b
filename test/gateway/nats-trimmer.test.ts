import { expect, it } from 'vitest'
import { type NatsLink, natsNames } from '../../src/gateway/nats-connection.ts'
import { keepTrimmed } from '../../src/gateway/nats-trimmer.ts'

// A broker says of a stream that never held a message that its first has the number 0, as its consumers do of what they
// have acknowledged. Seen to fail with "acknowledged messages from 0 on are not removed" where both are compared.
it('a stream that is still empty is no stuck one', async () => {
  const closing = new AbortController()
  const errors: Error[] = []
  let looks = 0
  const streams = {
    async info() {
      looks += 1
      if (looks === 4) closing.abort()
      return { state: { first_seq: 0, messages: 0 } }
    },
  }
  async function* list() {
    yield { ack_floor: { stream_seq: 0 } }
  }
  const session = { manager: { streams, consumers: { list } }, connection: { publish: () => undefined } }
  const link = { closing: closing.signal, session: () => session } as unknown as NatsLink
  await keepTrimmed(link, natsNames('test'), { trimIntervalMs: 1, trimBatchSize: 10 }, (error) => errors.push(error))
  expect([looks, errors]).toEqual([4, []])
})
