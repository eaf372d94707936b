/**
 * The parts of the nats package that src/gateway uses though its types do not show them. Each test says what a new version
 * would have changed.
 */
import { randomBytes } from 'node:crypto'
import { AckPolicy, connect, type JsMsg, type NatsConnection, type Subscription } from 'nats'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseUrls } from '../../src/gateway/nats-connection.ts'
import { natsUrl } from '../support/services.ts'

const url = natsUrl()

function internals(address: string): void {
  describe('the nats package', () => {
    let connection: NatsConnection
    const stream = `T${randomBytes(6).toString('hex')}`
    beforeEach(async () => {
      connection = await connect(parseUrls(address))
      const manager = await connection.jetstreamManager()
      await manager.streams.add({ name: stream, subjects: [`${stream}.*`] })
      await manager.consumers.add(stream, { durable_name: 'reader', ack_policy: AckPolicy.Explicit })
      await connection.jetstream().publish(`${stream}.a`, 'body')
    })
    afterEach(async () => {
      await (await connection.jetstreamManager()).streams.delete(stream)
      await connection.close()
    })

    async function firstMessage() {
      const consumer = await connection.jetstream().consumers.get(stream, 'reader')
      const arrived = Promise.withResolvers<JsMsg>()
      const messages = await consumer.consume({ callback: arrived.resolve })
      return { messages, message: await arrived.promise }
    }

    test('still gives a delivery its subscription, as `sub`, which can be drained', async () => {
      const { messages } = await firstMessage()
      const { sub } = messages as typeof messages & { sub?: Subscription }
      expect([typeof sub?.isClosed, typeof sub?.drain]).toEqual(['function', 'function'])
      await sub?.drain()
      expect(sub?.isClosed()).toBe(true)
      messages.stop()
    })

    test('still gives a message its reply subject, as `reply`, to which +ACK acknowledges it', async () => {
      const { messages, message } = await firstMessage()
      const { reply } = message as JsMsg & { reply?: string }
      expect(typeof reply).toBe('string')
      connection.publish(reply ?? '', '+ACK')
      await connection.flush()
      messages.stop()
      const { num_ack_pending: pending } = await (await connection.jetstreamManager()).consumers.info(stream, 'reader')
      expect(pending).toBe(0)
    })

    test('still reports JetStream’s error codes as api_error.err_code', async () => {
      const manager = await connection.jetstreamManager()
      const code = (work: Promise<unknown>) => work.catch((error) => error?.api_error?.err_code)
      expect(await code(manager.consumers.info(stream, 'nobody'))).toBe(10014)
      expect(await code(manager.streams.add({ name: stream, subjects: [`${stream}.other`] }))).toBe(10058)
    })
  })
}

if (url) internals(url)
else test('the nats package is tried where this machine has nats-server', () => expect(url).toBeUndefined())
