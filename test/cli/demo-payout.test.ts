/** A challenge from launch to paid-out against a whole instance, and one whose books have been tampered with. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, spawnCli } from '../support/cli.ts'
import { temporaryDirectory } from '../support/services.ts'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
const empty = temporaryDirectory()
beforeAll(async () => {
  stack = await startStack({ environment: { CONTEXTS: 'noctant' } })
})
afterAll(async () => {
  await stack.close()
  empty.remove()
})

const demo = (run: typeof runCli, engineToken: string, ...more: string[]) =>
  run(
    [
      'demo',
      'payout',
      '--url',
      stack.url,
      '--key',
      stack.apiKey,
      '--engine-url',
      stack.engine.url,
      '--engine-token',
      engineToken,
      ...more,
    ],
    { DATA_DIR: empty.path, EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl },
  )

describe('the demo of a payout', () => {
  it('goes from launch to paid-out on a whole instance, and every check holds', async () => {
    const ended = await demo(spawnCli, stack.engine.token, '--json')
    const report = JSON.parse(ended.stdout)
    expect(report.checks.filter(({ ok }: { ok: boolean }) => !ok)).toStrictEqual([])
    expect(report).toMatchObject({ failed: 0, passed: report.checks.length })
    expect(report.checks.length).toBeGreaterThan(25)
    expect(ended.exitCode).toBe(0)
  }, 90_000)

  it('exits 1, and says at what, where the trader is not let in', async () => {
    const ended = await demo(runCli, 'x'.repeat(32), '--patience', '0.2')
    expect(ended.exitCode).toBe(1)
    expect(ended.stdout).toContain('something is off')
    expect(ended.stdout).toMatch(/the target is reached, and the challenge passed.*\tNO$/m)
  }, 60_000)
})
