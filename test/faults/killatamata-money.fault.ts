/**
 * Killatamata's API killed where money has moved and what is on record of it part: around the claim, the settlement and the credit of
 * an x402 payment, and between a payment that is confirmed and its credit. The client never asks again before it is looked, and what
 * was paid is credited once all the same.
 */

import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type SandboxChain, startSandboxChain } from '../../src/embedded/killatamata/chain.ts'
import { coinbasePart } from '../../src/embedded/killatamata/coinbase.ts'
import { type StandInServer, startStandInServer } from '../../src/embedded/killatamata/server.ts'
import { openStandInStore } from '../../src/embedded/killatamata/store.ts'
import type { CrashOrder } from '../../src/runtime/crash-points.ts'
import { readSandbox } from '../http/killatamata/sandbox.ts'
import { createPayer, type X402Payer } from '../http/killatamata/x402-payer.ts'
import type { Answered } from '../http/serving.ts'
import { temporaryDirectory } from '../support/services.ts'
import { momentsOf } from './crashes.ts'
import { onDatabase } from './evidence.ts'
import { type House, type RoleName, startHouse } from './house.ts'

const REACHED_MAX_MS = 20_000
/** By the brief of the context: without its client a payment is credited within this time. */
const CREDITED_MAX_MS = 35_000
const WEBHOOKS = '/killatamata/api/v1/webhooks/crypto'
const COINBASE = { apiKey: 'coinbase-example', webhookSecret: 'coinbase-webhooks-example' }

const directory = temporaryDirectory()
const store = openStandInStore(join(directory.path, 'stand-ins.db'))
const crashFileOf = (role: RoleName) => join(directory.path, `${role}-crash-point.json`)
let house: House
let chain: SandboxChain
let standIns: StandInServer
let payer: X402Payer
let account: { account_id: string; api_key: string }

const start = (role: RoleName) => house.start(role, { CRASH_POINT_FILE: crashFileOf(role) })

beforeAll(async () => {
  chain = await startSandboxChain({ directory: join(directory.path, 'chain'), log: { warn: () => undefined } })
  payer = createPayer({ chain: chain.facts })
  standIns = await startStandInServer(0, async (url) => [
    coinbasePart({ url, store, ...COINBASE, target: () => `${house.urlOf('api')}${WEBHOOKS}` }),
  ])
  house = await startHouse({
    ...{ X402_NETWORKS: JSON.stringify([chain.network]), X402_RELAYER_KEY: chain.relayerKey },
    ...{ X402_SWEEP_INTERVAL_MS: '300', X402_SWEEP_AGE_MS: '500', X402_SEND_WAIT_MS: '1000' },
    ...{ COINBASE_API_KEY: COINBASE.apiKey, COINBASE_WEBHOOK_SECRET: COINBASE.webhookSecret },
    ...{ COINBASE_API_URL: `${standIns.url}/coinbase`, EVENTSTORE_DEADLINE_MS: '20000' },
    CONTEXTS: 'noctant,killatamata,audit',
  })
  await start('api')
  await Promise.all([start('projector'), start('relay')])
  account = sandboxOf('api').account
}, 180_000)
afterAll(async () => {
  await house.close()
  await standIns.close()
  await chain.part.close?.()
  store.close()
  directory.remove()
}, 60_000)

async function ask(path: string, body: object, headers: Record<string, string> = {}) {
  const answer = await fetch(`${house.urlOf('api')}/killatamata/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${account.api_key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: answer.status, body: (await answer.json()) as Answered['body'] }
}

const sandboxOf = (role: RoleName) => {
  const log = house.logFiles().find((file) => file.endsWith(`/${role}/opslog.log`)) ?? ''
  return readSandbox(dirname(log))
}

const available = () =>
  onDatabase(house, async (client) => {
    const { rows } = await client.query('SELECT available_micros FROM killatamata_balances WHERE account_id = $1', [
      account.account_id,
    ])
    return Number(rows[0]?.available_micros ?? 0)
  })
const deposits = () =>
  onDatabase(house, async (client) => {
    const { rows } = await client.query(
      "SELECT count(*)::int AS n FROM killatamata_postings WHERE account_id = $1 AND (account LIKE '%clearing' OR account = 'x402_treasury')",
      [account.account_id],
    )
    return Number(rows[0]?.n)
  })

/** Lets the work begin, and resolves when the role is dead. */
async function dies(role: RoleName, order: Omit<CrashOrder, 'do'>, work: () => Promise<unknown>): Promise<void> {
  const crashFile = crashFileOf(role)
  rmSync(`${crashFile}.reached`, { force: true })
  writeFileSync(`${crashFile}.new`, JSON.stringify({ ...order, do: 'kill' }))
  renameSync(`${crashFile}.new`, crashFile)
  const working = work().catch(() => undefined)
  const waiting = { interval: 5, timeout: REACHED_MAX_MS }
  await vi.waitFor(() => expect(existsSync(`${crashFile}.reached`), 'the crash point is reached').toBe(true), waiting)
  await vi.waitFor(() => expect(house.runs(role)).toBe(false), waiting)
  await working
}

describe('the API, killed', { timeout: 120_000 }, () => {
  it.each(
    momentsOf([
      ['between claim and settlement', { at: 'command.after-append', about: 'killatamata.x402Payment-' }],
      ['between settlement and credit', { at: 'command.before-append', about: 'killatamata.ledger-' }],
      ['between credit and answer', { at: 'command.after-append', about: 'killatamata.ledger-' }],
    ] as const),
  )('%s of an x402 payment, has it credited once without its client', async (_, order) => {
    const [before, treasury, count] = [await available(), await payer.treasury(), await deposits()]
    const { header } = await payer.sign(500)
    const pay = () => ask('credits/purchase/x402', { usdCents: 500 }, { 'payment-signature': header })
    await dies('api', order, pay)
    const waiting = { interval: 50, timeout: CREDITED_MAX_MS }
    await vi.waitFor(async () => expect(await available()).toBe(before + 5_000_000), waiting)
    await start('api')
    expect(await pay()).toMatchObject({ status: 200, body: { replayed: true, depositUsdMicros: 5_000_000 } })
    expect(await deposits()).toBe(count + 1)
    expect(await payer.treasury()).toBe(treasury + 5_000_000n)
  })

  it('between the confirmation of a payment and its credit, has it credited once', async () => {
    const [before, count] = [await available(), await deposits()]
    const { body } = await ask('checkout/crypto', { packageCode: 'starter_500' })
    const paid = (order: object) =>
      fetch(`${standIns.url}/control/coinbase/charges/${body.chargeId}/confirm`, {
        ...{ method: 'POST', body: JSON.stringify(order) },
      })
    await dies('api', { at: 'command.after-append', about: 'killatamata.settlement-' }, () => paid({ deliver: true }))
    const waiting = { interval: 50, timeout: CREDITED_MAX_MS }
    await vi.waitFor(async () => expect(await available()).toBe(before + 5_000_000), waiting)
    await start('api')
    const again = await paid({ times: 3 })
    expect(await again.json()).toMatchObject({ deliveries: [200, 200, 200] })
    expect(await ask('claim/crypto', { chargeId: body.chargeId })).toMatchObject({
      ...{ status: 200, body: { depositUsdCents: 500 } },
    })
    expect(await deposits()).toBe(count + 1)
    expect(await available()).toBe(before + 5_000_000)
  })
})
