/** The log as auditors read it, where the store is there and says nothing. */
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { openRawLog } from '../../src/audit/raw-log.ts'
import { StoreUnavailable } from '../../src/events/store.ts'
import { sampleRegistry as registry } from '../sample/context.ts'

it('a read ends where a server takes the call and says nothing, from the log, a stream or its end', async () => {
  const mute = createServer((socket) => socket.on('error', () => undefined))
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const { port } = mute.address() as { port: number }
  const log = openRawLog(`esdb://127.0.0.1:${port}?tls=false`, registry, 100)
  await expect(Array.fromAsync(log.readAll())).rejects.toThrow(StoreUnavailable)
  await expect(Array.fromAsync(log.readStream('audit-1'))).rejects.toThrow(StoreUnavailable)
  await expect(log.head()).rejects.toThrow('said nothing for 100 ms')
  await log.close()
  mute.close()
})
