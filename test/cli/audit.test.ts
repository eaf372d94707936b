/** `opslog audit`, as a program of its own where that matters, over what an operator's requests have left in the log. */
import { execFile } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { accountRequest } from '../http/noctant/serving.ts'
import { runCli, spawnCli } from '../support/cli.ts'
import { temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
let environment: Record<string, string>
/** Opens what is personal in the log, such as the names of the sandbox's workers. */
const SECRETS_KEY = Buffer.alloc(32, 6).toString('base64')
/** What a GET returned, and a moment at which that was so. */
const answers: { at: string; status: string }[] = []
const directory = temporaryDirectory()
const REQUEST = '7c1c4c3e-3a4a-4a55-9f5d-2f8a1f0a7e11'
const ACCOUNT = 'audited-1'

async function call(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const answer = await fetch(`${stack.url}/noctant${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json', ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const value = (await answer.json()) as { account: { sponsorship_status: string } }
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(value)}`)
  return value
}

async function ask(): Promise<void> {
  const { account } = await call('GET', `/v1/accounts/by-external-id?external_account_id=${ACCOUNT}`)
  answers.push({ at: new Date().toISOString(), status: account.sponsorship_status })
  // The log's times are whole milliseconds; the next event is to stand in a later one.
  const now = Date.now()
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(now + 1), { interval: 1, timeout: 10_000 })
}

beforeAll(async () => {
  stack = await startStack({ stream: 'in-process', environment: { SECRETS_KEY } })
  environment = {
    EVENTSTORE_URL: stack.eventStoreUrl,
    DATABASE_URL: stack.databaseUrl,
    DATA_DIR: directory.path,
    SECRETS_KEY,
  }
  await call('POST', '/v1/users', { external_id: 'trader-1' })
  await call('POST', '/v1/accounts', accountRequest(ACCOUNT))
  await ask()
  for (const status of ['disabled', 'active', 'disabled']) {
    const path = `/v1/accounts/by-external-id/status?external_account_id=${ACCOUNT}`
    const headers = { 'x-noctant-request-id': REQUEST }
    await call('PATCH', path, { status, idempotency_key: `${answers.length}`, reason: 'asked' }, headers)
    await ask()
  }
}, 120_000)
afterAll(async () => {
  await stack.close()
  directory.remove()
})

const opslog = (...args: string[]) => runCli(['audit', ...args], environment)
const json = async (...args: string[]) => JSON.parse((await opslog(...args, '--json')).stdout)

describe('opslog audit', () => {
  test('tells the history of an account across its streams, in sentences, with who did it', async () => {
    const described = await json('history', ACCOUNT)
    const sentences = described.map(({ sentence }: { sentence: string }) => sentence)
    expect(sentences[0]).toMatch(/^The account NCT-.* \(audited-1\) was opened with /)
    expect(sentences).toContain('The status went from active to disabled: asked.')
    const streams = new Set(described.map(({ stream }: { stream: string }) => stream.split('-')[0]))
    expect([...streams]).toEqual(expect.arrayContaining(['noctant.account', 'noctant.engine', 'noctant.engineCommand']))
    expect(described[0]).toMatchObject({ actor: { kind: 'operator' }, revision: '0' })
    const positions = described.map(({ position }: { position: string }) => position)
    const last = await json('history', ACCOUNT, '--limit', '2')
    expect(last.map(({ position }: { position: string }) => position)).toEqual(positions.slice(-2))
    const between = await json('history', ACCOUNT, '--since', positions[0], '--until', positions[2])
    expect(between.map(({ position }: { position: string }) => position)).toEqual(positions.slice(1, 3))
    expect(await opslog('history', ACCOUNT, '--since', 'yesterday')).toMatchObject({ exitCode: 2 })
    const csv = await spawnCli(['audit', 'history', ACCOUNT, '--csv'], environment)
    expect(csv.stdout).toMatch(/^recorded,position,stream,revision,what happened,by,request,command,type\r\n/)
    expect(await opslog('history', 'nobody-of-this-name')).toMatchObject({ exitCode: 1, stdout: '' })
  }, 60_000)

  test('tells what a request has caused, from the event to the engine’s answer', async () => {
    await vi.waitFor(
      async () => {
        const { stdout } = await opslog('trace', REQUEST)
        expect(stdout).toMatch(
          /The status went from active to disabled[^\n]*\n(.*\n)*.*└─ .*The engine was asked to disable_account/,
        )
        expect(stdout).toContain('The engine accepted disable_account')
      },
      { timeout: 20_000, interval: 200 },
    )
    const [first] = await json('trace', REQUEST)
    expect(first).toMatchObject({ request_id: REQUEST, since_start_ms: 0 })
    expect(await opslog('trace', 'nothing')).toMatchObject({ exitCode: 1 })
  }, 60_000)

  test('knows the state at any moment as a GET returned it then, and what changed between two', async () => {
    for (const { at, status } of answers) {
      const [state] = await json('as-of', ACCOUNT, '--at', at)
      expect(state.state.status).toBe(status)
      const [row] = await json('as-of', '--table', 'noctant_accounts', '--at', at)
      expect(row).toMatchObject({ external_account_id: ACCOUNT })
      expect(Object.values(row)).toContain(status)
    }
    const [before, after] = [answers[0]!.at, answers[1]!.at]
    const changes = await json('as-of', ACCOUNT, '--at', before, '--diff', after)
    expect(changes).toContainEqual(expect.objectContaining({ path: 'status', before: '"active"', after: '"disabled"' }))
    expect(await opslog('as-of', ACCOUNT, '--at', 'yesterday-ish')).toMatchObject({ exitCode: 2 })
    expect(await opslog('as-of', ACCOUNT, '--at', '2001-01-01T00:00:00Z')).toMatchObject({ exitCode: 1 })
  }, 120_000)

  test('verifies, seals, and notices a log that ends before a seal kept elsewhere', async () => {
    expect(await opslog('verify')).toMatchObject({ exitCode: 0 })
    expect(await opslog('verify', '--seals')).toMatchObject({ exitCode: 1, stdout: '' })
    const file = join(directory.path, 'seals.ndjson')
    expect(await opslog('seal', '--out', file)).toMatchObject({ exitCode: 0 })
    expect(statSync(join(directory.path, 'audit-seal-key.pem')).mode & 0o777).toBe(0o600)
    // The machine's own key is no proof: who altered the log may have made it.
    const unchecked = await opslog('verify', '--seals')
    expect(unchecked).toMatchObject({ exitCode: 4, stdout: expect.stringContaining('not checked: no pinned key') })
    const asJson = JSON.parse((await opslog('verify', '--seals', '--json')).stdout)
    expect(asJson).toMatchObject({ ok: false, findings_total: 0, seals_status: 'no_pinned_key', seals: [] })
    const { publicKey } = JSON.parse(readFileSync(file, 'utf8'))
    const report = await json('verify', '--seals', '--public-key', publicKey)
    expect(report).toMatchObject({ ok: true, findings_total: 0, seals_status: 'checked', seals: [{ ok: true }] })
    expect(await opslog('verify', '--seal-file', file, '--category', 'noctant.account')).toMatchObject({ exitCode: 2 })

    const forged = { ...JSON.parse(readFileSync(file, 'utf8')), root: 'ab'.repeat(32), signature: 'AAAA' }
    writeFileSync(file, `${JSON.stringify(forged)}\n`)
    const ended = await opslog('verify', '--seal-file', file, '--public-key', publicKey, '--csv')
    expect(ended.exitCode).toBe(1)
    expect(ended.stdout).toContain('its signature does not fit it')
  }, 60_000)

  test('exports what an independent program verifies, and finds altered', async () => {
    const file = join(directory.path, 'log.ndjson')
    expect(await opslog('export', '--out', file)).toMatchObject({ exitCode: 0 })
    const again = await opslog('export', '--out', file)
    expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`${file} exists already`) })
    const check = (path: string) =>
      promisify(execFile)(process.execPath, [join(root, 'scripts/verify-export.mjs'), path]).then(
        ({ stdout }) => stdout,
        ({ stdout }) => `failed: ${stdout}`,
      )
    expect(await check(file)).toMatch(/^\d+ events, 1 of 1 seals compared, 0 faults\n$/)
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    const compared = await json('verify', '--export', file)
    expect(compared.ok).toBe(true)
    expect(compared.compared).toBe(lines.filter((line) => JSON.parse(line).leaf !== null).length)
    expect(await opslog('verify', '--export', join(root, 'package.json'))).toMatchObject({ exitCode: 2 })
    const altered = join(directory.path, 'altered.ndjson')
    const text = readFileSync(file, 'utf8')
    writeFileSync(altered, text.replace(ACCOUNT, 'audited-2'))
    expect(await check(altered)).toMatch(/^failed: noctant\.account-.* revision 0 .*: not what was hashed/)
    const richer = join(directory.path, 'richer.ndjson')
    writeFileSync(richer, text.replace('100000.00', '900000.00'))
    expect(readFileSync(richer, 'utf8')).not.toBe(text)
    expect(await json('verify', '--export', richer)).toMatchObject({ ok: false, findings_total: 1 })
    const [, , third] = lines.map((line) => JSON.parse(line).position)
    // What does not fit into a pipe waits until it is read.
    const later = await spawnCli(['audit', 'export', '--from', third], environment)
    expect(later.stdout.trim().split('\n').slice(0, 3)).toStrictEqual(lines.slice(2, 5))
    const part = await opslog('export', '--category', 'noctant.account')
    expect(
      new Set(
        part.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line).stream.split('-')[0]),
      ),
    ).toEqual(new Set(['noctant.account']))
    expect(
      readFileSync(join(root, 'scripts/verify-export.mjs'), 'utf8').trimEnd().split('\n').length,
    ).toBeLessThanOrEqual(50)
  }, 60_000)

  test('says that the event store cannot be reached with the exit code for that', async () => {
    const ended = await spawnCli(['audit', 'verify'], {
      ...environment,
      EVENTSTORE_URL: 'esdb://127.0.0.1:9?tls=false',
      EVENTSTORE_DEADLINE_MS: '500',
    })
    expect(ended).toMatchObject({ exitCode: 3, stdout: '' })
  }, 60_000)
})
