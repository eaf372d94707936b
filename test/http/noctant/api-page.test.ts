/** The walk of docs/api.md, from a user to a paid payout: its blocks, pasted one after the other as a reader would. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { syntheticFeed } from '../../../src/engine/feed.ts'
import { referenceSymbols } from '../../../src/engine/symbols.ts'
import { temporaryDirectory } from '../../support/services.ts'
import { root } from '../../support/source.ts'
import { type Stack, startStack } from '../../support/stack.ts'

const WALK_MAX_MS = 180_000
const SEEDS = 300

/** The engine's market is a function of seed and time: of many, the one in which the index rises most during the walk. */
function risingSeed(): string {
  const rises = Array.from({ length: SEEDS }, (_, seed) => {
    const feed = syntheticFeed({ seed: String(seed), symbols: referenceSymbols })
    const priceAt = (ms: number) => Number(feed.quote('US500', Date.now() + ms)?.bid)
    return { seed: String(seed), rise: priceAt(WALK_MAX_MS) - priceAt(0) }
  })
  return rises.reduce((most, each) => (each.rise > most.rise ? each : most)).seed
}

const page = readFileSync(join(root, 'docs', 'api.md'), 'utf8')
const [, walk = ''] = page.match(/^## From a user to a payout\n(.*?)^## /ms) ?? []
const commands = walk
  .split('\n')
  .filter((line) => line.startsWith('    '))
  .map((line) => line.slice(4))

const data = temporaryDirectory()
let stack: Stack

beforeAll(async () => {
  stack = await startStack({ environment: { ENGINE_FEED_SEED: risingSeed() } })
  const { url, apiKey, engine, eventStoreUrl, databaseUrl } = stack
  const services = {
    ...{ pid: process.pid, api: { url }, engine, stream: { kind: 'embedded', url: null } },
    ...{ eventStore: { kind: 'embedded', url: eventStoreUrl }, postgres: { kind: 'external', url: databaseUrl } },
  }
  writeFileSync(join(data.path, 'services.json'), JSON.stringify(services))
  writeFileSync(join(data.path, 'sandbox-operator.json'), JSON.stringify({ api_key: apiKey }))
})
afterAll(async () => {
  await stack.close()
  data.remove()
})

it('ends with a payout that is paid, command by command', { timeout: WALK_MAX_MS }, async () => {
  const [first, ...others] = commands
  expect(first).toBe('DATA=$PWD/data')
  // A reader's shell goes on after a refusal; here it ends the walk.
  const script = ['set -eo pipefail', `DATA='${data.path}'`, ...others].join('\n')
  const env = { ...process.env, DATA_DIR: data.path }
  const shell = spawn('bash', ['-c', script], { cwd: root, env, timeout: WALK_MAX_MS - 10_000 })
  let said = ''
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const [code] = await once(shell, 'close')
  expect({ code, said: code === 0 ? '' : said }).toEqual({ code: 0, said: '' })

  const [, trader] = said.match(/"global_user_id":"([^"]+)"/) ?? []
  const headers = { authorization: `Bearer ${stack.apiKey}` }
  const asked = (path: string) => fetch(`${stack.url}/noctant/v1/users/${trader}/${path}`, { headers })
  const { statements } = (await (await asked('payout-statements')).json()) as { statements: object[] }
  expect(statements).toEqual([
    expect.objectContaining({ account_effect_status: 'executed', external_settlement_status: 'operator_marked_paid' }),
  ])
  const { payouts } = (await (await asked('payouts')).json()) as { payouts: { amount: string }[] }
  expect(payouts.map(({ amount }) => Number(amount))).toEqual([0.8])
})
