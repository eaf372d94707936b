/** `opslog console` against a running instance: its link lets an administrator in, once. */
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newVisitor, titleOf } from '../../http/console/browsing.ts'
import { runCli } from '../../support/cli.ts'
import { type Stack, startStack } from '../../support/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
}, 60_000)
afterAll(() => stack.close())

const opslog = (...args: string[]) =>
  runCli(['console', '--url', stack.url, ...args], {
    EVENTSTORE_URL: stack.eventStoreUrl,
    DATABASE_URL: stack.databaseUrl,
    DATA_DIR: dirname(stack.logFile),
  })

it('prints a link that lets an administrator in, once', async () => {
  const { exitCode, stdout } = await opslog('--json')
  expect(exitCode).toBe(0)
  const { url, expires_at } = JSON.parse(stdout)
  expect(url).toMatch(new RegExp(`^${stack.url}/console/enter/[\\w-]{43}$`))
  expect(Date.parse(expires_at) - Date.now()).toBeLessThanOrEqual(300_000)
  const visitor = newVisitor(stack.url)
  await visitor.enter(url)
  const pages = [
    '/console',
    '/console/projections',
    '/console/settings',
    '/console/events',
    '/console/noctant/accounts',
  ]
  for (const path of pages) expect([path, (await visitor.get(path)).status]).toEqual([path, 200])
  expect((await newVisitor(stack.url).post(new URL(url).pathname)).status).toBe(404)
})

it('prints one for looking only', async () => {
  const { stdout } = await opslog('--read-only')
  const visitor = newVisitor(stack.url)
  await visitor.enter(stdout.trim())
  const seen = await visitor.get('/console')
  expect([seen.status, titleOf(seen)]).toEqual([200, 'Overview · opslog'])
  expect(seen.page.querySelector('.account')?.text).toContain('for looking only')
})

it('is told of at the root of the instance', async () => {
  const { page } = await newVisitor(stack.url).get('/')
  expect(page.querySelectorAll('a').map((link) => link.getAttribute('href'))).toContain('/console')
})

it('says so where the console is off', async () => {
  const { exitCode, stderr } = await runCli(['console'], { CONSOLE: 'off', DATA_DIR: dirname(stack.logFile) })
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('CONSOLE is off')])
})
