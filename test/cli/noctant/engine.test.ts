import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineCommand } from '../../../src/cli/noctant/engine.ts'
import { adminTools } from '../../../src/cli/tools.ts'
import { openStream } from '../../../src/embedded/stream.ts'
import type { MessageStream } from '../../../src/gateway/stream.ts'
import { openingOf } from '../../engine/examples.ts'
import { recordEvents, sendCommand, startTestEngine, traderToken } from '../../engine/harness.ts'
import { runCli, spawnCli } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/services.ts'

const directory = temporaryDirectory()
const accountId = 'ab12cd34-0000-4000-8000-000000000001'
let stream: MessageStream
let running: Awaited<ReturnType<typeof startTestEngine>>

/** services.json as the running instance writes it. */
function writeServices(dataDir: string, engine: { url: string; token: string } | null) {
  const backing = { kind: 'embedded', url: 'unused:' }
  const services = {
    pid: process.pid,
    api: { url: 'unused:' },
    eventStore: backing,
    postgres: backing,
    stream: { kind: 'in-process', url: null },
    engine,
  }
  writeFileSync(join(dataDir, 'services.json'), JSON.stringify(services), { mode: 0o600 })
}

beforeAll(async () => {
  stream = openStream({ file: join(directory.path, 'stream.db') })
  const events = recordEvents(stream)
  running = await startTestEngine({ directory: join(directory.path, 'engine'), stream })
  const opening = openingOf(accountId)
  await sendCommand(stream, opening)
  await events.decisionOf(opening.commandId)
  await events.stop()
  writeServices(directory.path, { url: running.engine.url, token: traderToken })
})
afterAll(async () => {
  await running.engine.close()
  await stream.close()
  directory.remove()
})

async function opslog(args: readonly string[], dataDir = directory.path) {
  const { exitCode: code, stdout: out, stderr: err } = await runCli(['engine', ...args], { DATA_DIR: dataDir })
  return { code, out, err }
}

describe('opslog engine', () => {
  test('places an order, shows the account, cancels', async () => {
    const filled = await opslog(['order', 'ab12', 'buy', '0.5', 'eurusd', '--take-profit', '1.2'])
    expect(filled).toMatchObject({ code: 0, err: '' })
    expect(filled.out).toContain('filled buy 0.5 EURUSD at 1.10000 · market')
    const waiting = await opslog(['order', 'ab12', 'sell', '1', 'XAUUSD', '--limit', '2700', '--tif', 'day', '--json'])
    const { order } = JSON.parse(waiting.out)
    expect(order).toMatchObject({ status: 'working', limitPrice: '2700.00', timeInForce: 'day', accountId })

    const account = await opslog(['accounts', 'ab12'])
    for (const shown of ['long EURUSD', '1.20000', order.orderId, 'sell 1 XAUUSD', '99998.25 USD', '1:100']) {
      expect(account.out).toContain(shown)
    }
    expect((await opslog(['accounts'])).out).toContain(accountId)

    expect((await opslog(['cancel', order.orderId])).out).toContain('cancelled')
    expect(await opslog(['cancel', order.orderId])).toMatchObject({
      code: 1,
      err: expect.stringContaining('order_not_working'),
    })
  })

  test('places an order once under an id of its own', async () => {
    const order = ['order', 'ab12', 'buy', '0.01', 'GBPUSD', '--id', 'mine-1', '--json']
    const [first, second] = [await opslog(order), await opslog(order)]
    expect(JSON.parse(second.out)).toEqual({ ...JSON.parse(first.out), replayed: true })
  })

  test('shows prices, all or some', async () => {
    expect((await opslog(['price'])).out).toMatch(/EURUSD.*1\.09990.*1\.10000/)
    expect(JSON.parse((await opslog(['price', 'xauusd', '--json'])).out)).toMatchObject([
      { symbol: 'XAUUSD', bid: '2649.90' },
    ])
    expect(await opslog(['price', 'ACME'])).toMatchObject({ code: 1, err: expect.stringContaining('no price of ACME') })
  })

  test('ends with 1 where the engine rejects, 2 on wrong usage, 3 where nothing answers', async () => {
    const rejected = await opslog(['order', 'ab12', 'buy', '100', 'EURUSD', '--json'])
    expect(rejected.code).toBe(1)
    expect(JSON.parse(rejected.err).error.message).toContain('insufficient_margin: The order needs')
    expect(await opslog(['accounts', 'ffff'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('account_not_found'),
    })

    const misused = [
      ['order', 'ab12', 'hold', '1', 'EURUSD'],
      ['order', 'ab12', 'buy', '1e5', 'EURUSD'],
      ['order', 'ab12', 'buy', '1', 'EURUSD', '--limit', '1', '--stop', '1'],
    ]
    for (const args of misused) expect(await opslog(args)).toMatchObject({ code: 2 })

    const elsewhere = temporaryDirectory()
    expect(await opslog(['price'], elsewhere.path)).toMatchObject({
      code: 3,
      err: expect.stringContaining('npm start'),
    })
    writeServices(elsewhere.path, null)
    expect(await opslog(['price'], elsewhere.path)).toMatchObject({
      code: 3,
      err: expect.stringContaining('no engine'),
    })
    writeServices(elsewhere.path, { url: 'http://127.0.0.1:9', token: traderToken })
    const lost = await opslog(['order', 'ab12', 'buy', '1', 'EURUSD', '--id', 'mine-2'], elsewhere.path)
    expect(lost).toMatchObject({ code: 3, err: expect.stringContaining('again with --id mine-2') })
    elsewhere.remove()
  })

  test('explains itself with examples', () => {
    const command = engineCommand(adminTools)
    new Command('opslog').addCommand(command)
    for (const part of [command, ...command.commands]) {
      const help: string[] = []
      part.configureOutput({ writeOut: (text) => void help.push(text) }).outputHelp()
      expect(help.join('')).toMatch(/Examples?:\n {2}opslog engine/)
    }
  })

  test('runs as part of the command line, and writes no colours into a pipe', async () => {
    const { stdout, stderr } = await spawnCli(['engine', 'price'], { DATA_DIR: directory.path })
    expect(stdout).toMatch(/EURUSD.*1\.09990.*1\.10000/)
    expect(stdout + stderr).not.toContain('\u001b')
  })
})
