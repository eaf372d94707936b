/** What read models take in, as an API sees it whose process writes none of them. */
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createCommandBus } from '../../../src/commands/handle.ts'
import { issueLink } from '../../../src/processes/console/access-link.ts'
import { runCli } from '../../support/cli.ts'
import { type SecondInstance, startSecond } from '../../support/second-instance.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { newVisitor, type Visitor } from './browsing.ts'

const WAIT_MAX_MS = 20_000
let stack: Stack
let apart: SecondInstance
let admin: Visitor
beforeAll(async () => {
  const environment = { SECRETS_KEY: randomBytes(32).toString('base64') }
  stack = await startStack({ environment })
  apart = await startSecond(stack, environment)
  const bus = createCommandBus(stack.store, { cachedAggregatesMax: 10, seenCommandsMax: 100, conflictRetriesMax: 3 })
  admin = newVisitor(apart.url)
  await admin.enter((await issueLink(bus, { url: apart.url, ttlMs: 300_000, isReadOnly: false, now: new Date() })).url)
}, 120_000)
afterAll(async () => {
  await apart.close()
  await stack.close()
})

const provision = async (): Promise<void> => {
  const answer = await fetch(`${stack.url}/noctant/v1/users`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ external_id: randomUUID() }),
  })
  expect(answer.status).toBe(201)
}

it('is plotted by it', async () => {
  const readiness = (await (await fetch(`${apart.url}/readyz`)).json()) as { dependencies: Record<string, object> }
  // It knows that projectors run, and counts nothing of theirs.
  const projectors = Object.entries(readiness.dependencies).filter(([name]) => name.startsWith('projector.'))
  expect(projectors.map(([, each]) => 'events' in each)).toEqual(projectors.map(() => false))
  await vi.waitFor(async () => {
    await provision()
    const { text } = await admin.get('/console/projections?plot=events&range=15m')
    const [, ...lines] = JSON.parse(text) as (number | null)[][]
    expect(Math.max(...lines.flat().map(Number))).toBeGreaterThan(0)
  }, WAIT_MAX_MS)
})

it('is in its status', async () => {
  const ending = new AbortController()
  const busy = (async () => {
    while (!ending.signal.aborted) await provision()
  })()
  try {
    const { stdout } = await runCli(['status', '--url', apart.url, '--json'], {})
    expect(JSON.parse(stdout).events_per_second).toBeGreaterThan(0)
  } finally {
    ending.abort()
    await busy
  }
})
