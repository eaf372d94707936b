/** The demo against a whole instance, and against instances that lie, falter or are not there. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, spawnCli } from '../support/cli.ts'
import { temporaryDirectory } from '../support/services.ts'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
const empty = temporaryDirectory()
const servers: Server[] = []

const keyFile = join(empty.path, 'key')

beforeAll(async () => {
  stack = await startStack({ environment: { CONTEXTS: 'noctant' } })
  writeFileSync(keyFile, stack.apiKey, { mode: 0o600 })
})
afterAll(async () => {
  for (const server of servers) server.close()
  await stack.close()
  empty.remove()
})

const demo = (url: string, ...more: string[]) => demoBy(runCli, url, ...more)
const demoBy = (run: typeof runCli, url: string, ...more: string[]) =>
  run(
    [
      'demo',
      '--url',
      url,
      '--key-file',
      keyFile,
      '--engine-url',
      stack.engine.url,
      '--engine-token',
      stack.engine.token,
      ...more,
    ],
    { DATA_DIR: empty.path },
  )

type Meddle = (path: string, sends: number) => 'drop' | 'unavailable' | ((body: string) => string) | undefined

/** The API behind a proxy that drops, refuses or rewrites what comes by. */
async function proxied(meddle: Meddle): Promise<string> {
  const seen = new Map<string, number>()
  const server = createServer(async (request, response) => {
    const path = `${request.method} ${request.url?.split('?')[0]}`
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const sends = (seen.get(path) ?? 0) + 1
    seen.set(path, sends)
    const meddling = meddle(path, sends)
    if (meddling === 'unavailable') return void response.writeHead(503).end()
    const { authorization = '', 'content-type': type } = request.headers
    const answer = await fetch(`${stack.url}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { authorization, ...(type ? { 'content-type': type } : {}) },
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    })
    const body = await answer.text()
    if (meddling === 'drop') return void response.destroy()
    const replayed = answer.headers.get('idempotency-replayed')
    response.writeHead(answer.status, replayed ? { 'idempotency-replayed': replayed } : {})
    response.end(meddling ? meddling(body) : body)
  })
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('an operator’s day', () => {
  it('passes on a whole instance, with a line per step and a table of the checks', async () => {
    const ended = await demoBy(spawnCli, stack.url)
    expect(ended.stderr).toBe('')
    expect(ended.stdout).toMatch(/^ok {3}Sign in/)
    expect(ended.stdout.match(/^ok {3}/gm)).toHaveLength(9)
    expect(ended.stdout).toMatch(/(\d+) of \1 checks hold/)
    expect(ended.exitCode).toBe(0)
  })

  it('tells its checks as JSON, and where others see a key that is given as an argument', async () => {
    const ended = await demo(stack.url, '--json')
    expect(ended.stderr).not.toContain('--key-file')
    const { url, token } = stack.engine
    const given = ['--url', stack.url, '--key', 'a-key-of-nobody', '--engine-url', url, '--engine-token', token]
    const shown = await runCli(['demo', ...given], { DATA_DIR: empty.path })
    expect(shown.stderr).toContain('A key given with --key shows in lists of processes; --key-file does not.')
    const report = JSON.parse(ended.stdout)
    expect(report).toMatchObject({ failed: 0, passed: report.checks.length })
    expect(report.checks.length).toBeGreaterThan(30)
    expect(ended.exitCode).toBe(0)
  })

  it('passes where every first answer is lost and every second one is a 503', async () => {
    const url = await proxied((path, sends) => {
      if (path.startsWith('GET')) return undefined
      return sends === 1 ? 'drop' : sends === 2 ? 'unavailable' : undefined
    })
    const ended = await demo(url, '--json')
    const failed = JSON.parse(ended.stdout).checks.filter(({ ok }: { ok: boolean }) => !ok)
    expect(failed).toStrictEqual([])
    expect(ended.exitCode).toBe(0)
  })

  it.each([
    ['a balance that is a cent off', '/summary', /"balance":"99(\d+)\.\d\d"/, '"balance":"99$1.00000001"', 'balance ='],
    ['a number where a decimal belongs', '/positions', /"quantity":"0\.6[0]*"/, '"quantity":0.6', 'EURUSD is netted'],
    [
      'an order that is not there',
      '/orders',
      /"order_type":"stop"/,
      '"order_type":"market"',
      'the stop, its take profit',
    ],
  ])('exits 1 over %s', async (_what, below, pattern, replacement, check) => {
    const url = await proxied((path) =>
      path.endsWith(below) ? (body) => body.replaceAll(new RegExp(pattern, 'g'), replacement) : undefined,
    )
    const ended = await demo(url, '--patience', '0.5')
    expect(ended.exitCode).toBe(1)
    expect(
      ended.stdout
        .split('\n')
        .filter((line) => line.endsWith('\tNO'))
        .join('\n'),
    ).toContain(check)
    expect(ended.stdout).toContain('something is off')
  })

  it('exits 3 where no instance runs', async () => {
    const ended = await runCli(['demo'], { DATA_DIR: empty.path })
    expect(ended).toMatchObject({ exitCode: 3, stdout: '' })
    expect(ended.stderr).toContain('npm start')
  })
})
