/**
 * A message stream with a fault in front of it: the messages and their order are the real stream's, but a test may
 * refuse publishes, lose their receipts after they were stored, or lose acknowledgements.
 */
import type { MessageStream, StreamMessage } from '../../src/gateway/stream.ts'
import { StreamUnavailable } from '../../src/gateway/stream.ts'

type Fate = 'pass' | 'refuse' | 'lose_receipt'

export interface Faults {
  /** What happens to a publish: passed on, refused (perhaps only after a while), or stored with its receipt lost. */
  onPublish: (stream: string, key: string, messageId: string) => Fate | Promise<Fate>
  /** Whether an acknowledgement reaches the stream. */
  onAck: (message: StreamMessage) => boolean
  up: boolean
}

export function faultyStream(real: MessageStream): MessageStream & { faults: Faults } {
  const faults: Faults = { onPublish: () => 'pass', onAck: () => true, up: true }
  return {
    faults,
    async publish(stream, key, messageId, body) {
      const decided = faults.onPublish(stream, key, messageId)
      const fate = typeof decided === 'string' ? decided : await decided
      if (fate === 'refuse') throw new StreamUnavailable('refused by the test')
      const receipt = await real.publish(stream, key, messageId, body)
      if (fate === 'lose_receipt') throw new StreamUnavailable('the receipt was lost by the test')
      return receipt
    },
    async *consume(stream, options) {
      for await (const batch of real.consume(stream, options)) {
        yield batch.map((message) => ({
          key: message.key,
          body: message.body,
          deliveryCount: message.deliveryCount,
          sequence: message.sequence,
          nak: (delayMs?: number) => message.nak(delayMs),
          ack: () => {
            if (faults.onAck(message)) message.ack()
          },
        }))
      }
    },
    isUp: () => faults.up && real.isUp(),
    close: () => real.close(),
  }
}
