/** Every command of docs/firsthand.md, in its order, as a reader pastes them into one shell beside a running instance. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { within10s } from '../../support/persons.ts'
import { programEnvironment } from '../../support/program-environment.ts'
import { root } from '../../support/source.ts'
import { type Stack, startStack } from '../../support/stack.ts'

/** Some thirty requests, a dozen programs and a job of the test world, on a machine that may be busy. */
const GUIDE_MAX_MS = 240_000

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack.close())

const guide = readFileSync(join(root, 'docs/firsthand.md'), 'utf8')
/** Its blocks of code hold nothing but commands. */
const commands = [...guide.matchAll(/^ {4}(.*)$/gm)].map(([, line]) => line).join('\n')

async function paste(directory: string) {
  const fileOf = (name: string) => join(directory, `guide.${name}`)
  writeFileSync(fileOf('sh'), `set -eu\n${commands}\necho "$PICTURE" >"$DATA_DIR/guide.picture"\n`)
  const services = { EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl }
  // A terminal can be opened by its name, and so can a file; node's own pipes cannot.
  const [out, errors] = ['out', 'errors'].map((name) => openSync(fileOf(name), 'a'))
  const child = spawn('bash', [fileOf('sh')], {
    cwd: root,
    env: { ...programEnvironment(), NODE_NO_WARNINGS: '1', DATA_DIR: directory, ...services },
    stdio: ['ignore', out, errors],
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  for (const each of [out, errors]) closeSync(each!)
  const read = (name: string) => readFileSync(fileOf(name), 'utf8')
  return { code, out: read('out').split('\n').filter(Boolean), errors: read('errors'), picture: read('picture').trim() }
}

test('leads from a key to a delivered file, command by command', { timeout: GUIDE_MAX_MS }, async () => {
  const { code, out, errors, picture } = await paste(dirname(stack.logFile))
  // Answers go to standard error as they are; a refusal is one with an error in it.
  expect(errors).not.toMatch(/"error":|Error/)
  expect(code).toBe(0)
  const balance = 100_000
  expect(out.slice(0, 4)).toStrictEqual([`${balance}`, `${balance - 25}`, '20', 'completed'])
  // Stars, earnings, and a reason.
  expect(out.slice(4, 6)).toStrictEqual(['5', '20'])
  expect(out[6]).toMatch(/\.$/)
  const cancelled = out.slice(7)
  expect(cancelled.slice(0, 4)).toStrictEqual([expect.stringMatching(/^job_/), 'cancelled', '100', 'completed'])
  expect(out).toContain('10000')
  expect(out).toContain('303')
  expect(out.some((line) => line.startsWith('whsec_'))).toBe(true)
  const { format, width, exif } = await sharp(`${picture}.delivered`).metadata()
  expect({ format, width, exif }).toStrictEqual({ format: 'jpeg', width: 960, exif: undefined })
})

test('its worker can be forgotten, and nothing of it was ever written in plain text', async () => {
  const environment = {
    DATA_DIR: dirname(stack.logFile),
    EVENTSTORE_URL: stack.eventStoreUrl,
    DATABASE_URL: stack.databaseUrl,
  }
  const firsthand = async (...args: string[]) =>
    JSON.parse((await runCli(['admin', 'firsthand', ...args, '--json'], environment)).stdout)
  const { worker_id: id } = await firsthand('worker', 'create', '--name', 'Wilma', '--email', 'wilma@example.com')
  const done = await firsthand('forget-worker', id, '--reference', 'DSR-1', '--yes')
  expect(done).toMatchObject({ worker_id: id, key_destroyed: true, plain_text_events: 0, changed: true })
  expect(await firsthand('forget-worker', id, '--yes')).toMatchObject({
    ...{ key_destroyed: false, plain_text_events: 0, changed: false },
  })
  await vi.waitFor(async () => {
    const workers = (await firsthand('worker', 'list')) as { worker_id: string; name: string | null; status: string }[]
    expect(workers.find(({ worker_id }) => worker_id === id)).toMatchObject({ name: null, status: 'forgotten' })
  }, within10s)
})
