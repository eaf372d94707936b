/** Pages of every context, as an instance that serves them all shows them to an administrator. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newVisitor, type Visitor } from '../http/console/browsing.ts'
import { runCli } from '../support/cli.ts'
import { temporaryDirectory } from '../support/services.ts'
import { type Stack, startStack } from '../support/stack.ts'

const SECRETS_KEY = Buffer.alloc(32, 6).toString('base64')
const empty = temporaryDirectory()

let stack: Stack
let admin: Visitor
beforeAll(async () => {
  stack = await startStack({ stream: 'in-process', environment: { SECRETS_KEY } })
  const { stdout } = await runCli(['console', '--url', stack.url, '--json'], {
    ...{ EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl, DATA_DIR: empty.path, SECRETS_KEY },
  })
  admin = newVisitor(stack.url)
  await admin.enter((JSON.parse(stdout) as { url: string }).url)
}, 120_000)
afterAll(async () => {
  await stack.close()
  empty.remove()
})

it.each([
  ...['/firsthand/jobs', '/firsthand/workers', '/firsthand/figures', '/rungate/runs', '/rungate/spend'],
  ...[
    '/rungate/provider-keys',
    '/rungate/webhooks',
    '/ostium/actions',
    '/ostium/agents',
    '/ostium/builds',
    '/ostium/figures',
    '/settings',
  ],
])('%s of an instance with all contexts is there, and small', async (path) => {
  const { status, text } = await admin.get(`/console${path}`)
  expect([path, status]).toEqual([path, 200])
  expect(Buffer.byteLength(text)).toBeLessThan(80_000)
})
