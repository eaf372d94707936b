/** An instance seals its log at the interval that it is given, into the file and to the address that are kept elsewhere. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/services.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { type Receiver, startReceiver } from '../support/webhook-receiver.ts'

const INTERVAL_S = 2
const directory = temporaryDirectory()
const file = join(directory.path, 'seals.ndjson')
let receiver: Receiver
let stack: Stack

beforeAll(async () => {
  receiver = await startReceiver()
  stack = await startStack({
    environment: {
      ...{ SEAL_INTERVAL_S: String(INTERVAL_S), SEAL_FILE: file },
      ...{ SEAL_WEBHOOK_URL: receiver.url, SEAL_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}` },
      WEBHOOK_ALLOW_PRIVATE: 'true',
    },
  })
}, 60_000)
afterAll(async () => {
  await stack.close()
  await receiver.close()
  directory.remove()
})

const posted = () => receiver.received.map(({ event }) => event.data as { signature: string; sealed_at: string })

test('each seal is in the file and was posted, and between two of them is the interval', async () => {
  const patient = { timeout: 30_000 }
  await expect.poll(() => posted().length, patient).toBe(1)
  await stack.addOperator()
  await expect.poll(() => posted().length, patient).toBe(2)
  const [first, second] = posted()
  const tookMs = Date.parse(second!.sealed_at) - Date.parse(first!.sealed_at)
  expect(tookMs).toBeGreaterThanOrEqual(INTERVAL_S * 1_000)
  const written = readFileSync(file, 'utf8').trim().split('\n')
  expect(written.map((line) => JSON.parse(line).signature)).toEqual(posted().map(({ signature }) => signature))
}, 90_000)
