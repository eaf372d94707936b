/**
 * The checker finds what it is there to find: into a house at rest, where it finds nothing, one contradiction after the
 * other is planted, each where a fault would leave it, and each must be named.
 */
import { randomUUID } from 'node:crypto'
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRawLog } from '../../src/audit/raw-log.ts'
import { chainHash } from '../../src/events/chain.ts'
import { registry } from '../support/contexts.ts'
import { tamper } from '../support/tampering.ts'
import { contradictions, toolContradictions } from './checker.ts'
import { workThrough } from './day.ts'
import { type Evident, gather, onDatabase, onEngineLog } from './evidence.ts'
import { type House, startHouse, startRoles } from './house.ts'
import { addOperator, type Operator } from './operators.ts'
import { createRandom, planDay } from './plan.ts'
import { atRest } from './rest.ts'
import type { History } from './workload.ts'

const SEED = 11
const STEPS = 14

let house: House
let operators: Operator[] = []
const history: History = []

const found = (of: History = history) => contradictions(house, of, operators)

beforeAll(async () => {
  house = await startHouse()
  await startRoles(house)
  operators = [await addOperator(house, createRandom('operator'))]
  const [operator] = operators as [Operator]
  const day = { operator, steps: planDay(SEED, 0, STEPS), random: createRandom('requests') }
  await workThrough(house, day, history)
  await atRest(house)
  expect(await found()).toEqual([])
  // From here on nothing is to answer to what is planted.
  for (const role of ['projector', 'relay', 'webhooks', 'engine'] as const) await house.kill(role)
}, 180_000)
afterAll(async () => {
  await Promise.all(operators.map(({ receiver }) => receiver.close()))
  await house.close()
}, 60_000)

/** Appends with a chain that holds, whatever the event says, after the stream's last event. */
async function forge(stream: string, type: string, data: object, cause: object, id: string = randomUUID()) {
  const { log } = await gather(house)
  const last = log.findLast((event) => event.stream === stream)
  const prevHash = (last?.about as { hash?: string } | undefined)?.hash ?? ''
  const { hash: _, ...unhashed } = cause as { hash?: string }
  const unsealed = { ...unhashed, prevHash }
  const hash = chainHash(prevHash, type, JSON.stringify(data), JSON.stringify(unsealed))
  const client = EventStoreDBClient.connectionString(house.eventStoreUrl)
  const event = jsonEvent({ id, type, data: data as never, metadata: { ...unsealed, hash } })
  await client.appendToStream(stream, event, { expectedRevision: last?.revision ?? NO_STREAM })
  await client.dispose()
}

const causeOf = (commandId: string = randomUUID()) => ({
  $correlationId: commandId,
  $causationId: commandId,
  actor: { kind: 'operator', id: 'planted' },
  commandId,
})

const lastOf = async (wanted: (event: Evident) => boolean): Promise<Evident> => {
  const event = (await gather(house)).log.findLast(wanted)
  if (!event) throw new Error('the day has no such event')
  return event
}

const REQUESTED = 'noctant.EngineCommandRequested.v1'

describe('of the clients’ history the checker tells', { timeout: 60_000 }, () => {
  it('a success that is not there, by the log and by the read models', async () => {
    const told = { what: 'user', id: 'nobody', outcome: 'ok', requestId: randomUUID() } as const
    expect(await found([told])).toEqual([
      'user nobody was answered with success, and wrote nothing',
      'user nobody was answered with success, and is not there: 404',
    ])
  })

  it('a refusal that is there', async () => {
    const done = history.find(({ what, outcome }) => what === 'user' && outcome === 'ok')
    if (!done) throw new Error('the day has made a user')
    expect(await found([{ ...done, outcome: 'failed' }])).toEqual([
      expect.stringMatching(/^user .* was refused, and wrote noctant\.user-/),
      expect.stringMatching(/^user .* was refused, and is there: 200$/),
    ])
  })

  it('a repeat that wrote something', async () => {
    const done = history.find(({ what, outcome }) => what === 'correction' && outcome === 'ok')
    if (!done) throw new Error('the day has made a correction')
    expect(await found([{ ...done, silent: true }])).toEqual([expect.stringMatching(/changed nothing, and wrote/)])
  })
})

describe('of the read models the checker tells', { timeout: 60_000 }, () => {
  it('a balance that trades, corrections and payouts do not make', async () => {
    const change = (by: string) =>
      onDatabase(house, (client) => client.query(`UPDATE noctant_summaries SET balance = balance + ${by}`))
    await change('0.01')
    expect(await found()).toContainEqual(
      expect.stringMatching(/^account funded-.*: balance .*, its trades, corrections and payouts make /),
    )
    await change('-0.01')
    expect(await found()).toEqual([])
  })

  it('a row that a rebuild would make otherwise, in whichever table', async () => {
    const name = (to: string) =>
      onDatabase(house, (client) => client.query(`UPDATE noctant_users SET display_name = ${to}`))
    await onDatabase(house, (client) => client.query('CREATE TABLE kept AS SELECT * FROM noctant_users'))
    await name("'planted'")
    expect(await found()).toEqual([expect.stringMatching(/opslog projections verify --all says:[\s\S]*noctant_users/)])
    await onDatabase(house, (client) =>
      client.query(
        'UPDATE noctant_users u SET display_name = k.display_name FROM kept k ' +
          'WHERE k.global_user_id = u.global_user_id',
      ),
    )
    await onDatabase(house, (client) => client.query('DROP TABLE kept'))
    expect(await found()).toEqual([])
  })

  it('an attempt at a webhook with two rows, and one with none', async () => {
    await onDatabase(house, (client) =>
      client.query(
        "CREATE TABLE kept AS SELECT * FROM noctant_webhook_deliveries WHERE event_type LIKE 'user%' LIMIT 1; " +
          'UPDATE kept SET delivery_row_id = gen_random_uuid(); ' +
          'INSERT INTO noctant_webhook_deliveries SELECT * FROM kept',
      ),
    )
    expect(await found()).toContainEqual(expect.stringMatching(/rows of webhook attempts, but \d+ were made$/))
    await onDatabase(house, (client) =>
      client.query(
        'DELETE FROM noctant_webhook_deliveries d USING kept k ' +
          'WHERE d.event_id = k.event_id AND d.operator_id = k.operator_id',
      ),
    )
    expect(await found()).toContainEqual(expect.stringMatching(/^attempt 1 of delivery .* has no row$/))
    expect(await found()).toContainEqual(expect.stringMatching(/was delivered 0 times on record$/))
  })
})

describe('of the engine’s log the checker tells', { timeout: 60_000 }, () => {
  it('a command that stands there twice', async () => {
    const insert = `INSERT INTO log (account, sequence, event_id, command_sequence, body)
      SELECT account, sequence + 100000, 'planted', command_sequence, body FROM log
      WHERE json_extract(body, '$.type') = 'CommandDecided' LIMIT 1`
    onEngineLog(house, { readOnly: false }, (database) => database.exec(insert))
    expect(await found()).toContainEqual(expect.stringMatching(/was decided 2 times by the engine$/))
    expect(await found()).toContainEqual(expect.stringMatching(/the engine's log has \d+ events, ours \d+/))
    onEngineLog(house, { readOnly: false }, (database) => database.exec("DELETE FROM log WHERE event_id = 'planted'"))
  })

  it('a command that was accepted and never got there', async () => {
    const { content } = await lastOf(({ type }) => type === REQUESTED)
    const commandId = randomUUID()
    await forge(`noctant.planted-${randomUUID()}`, REQUESTED, { ...content, commandId }, causeOf(commandId))
    expect(await found()).toContainEqual(`command ${commandId} was accepted, and the engine's log does not hold it`)
  })
})

describe('of the log the checker tells', { timeout: 60_000 }, () => {
  it('a second event set of one command', async () => {
    const { stream, type, content, about } = await lastOf(({ about }) => about.fingerprint !== undefined)
    await forge(stream, type, content, causeOf())
    await forge(stream, type, content, about)
    expect(await found()).toContainEqual(expect.stringContaining(`a second event set of command ${about.commandId}`))
  })

  it('an event id that stands there twice', async () => {
    const { id, type, content } = await lastOf(({ type }) => type === 'noctant.UserProvisioned.v1')
    await forge(`noctant.user-${randomUUID()}`, type, content, causeOf(), id)
    expect(await found()).toContainEqual(expect.stringContaining(`event id ${id} stands in the log twice`))
  })

  it('a ledger whose entries do not make its balance', async () => {
    const { stream, content, about } = await lastOf(({ type }) => type === 'noctant.EngineBalanceChanged.v1')
    const data = { ...content, sequence: 1_000_000, change: '1.00' }
    await forge(stream, 'noctant.EngineBalanceChanged.v1', data, { ...about, actor: { kind: 'engine', id: 'planted' } })
    expect(await found()).toContainEqual(expect.stringMatching(/noctant\.engine-.*: balance .*, sum of its ledger/))
  })

  it('a byte of an event that was changed on disk, and what our own audit says of it', async () => {
    await house.kill('api')
    await house.store.close()
    await house.services.store.kill()
    let changed = 0
    tamper(house.services.store.directory, ({ bytes }) => {
      const at = bytes.indexOf('"reason":"test"')
      if (at < 0 || changed++ > 0) return
      bytes.write('x', at + '"reason":"'.length)
    })
    expect(changed).toBeGreaterThan(0)
    await house.services.store.start()
    await house.start('api')
    const log = openRawLog(house.eventStoreUrl, registry)
    const stream = await Array.fromAsync(log.readAll()).then((events) =>
      events.find(({ data }) => Buffer.from(data).includes('"reason":"xest"')),
    )
    await log.close()
    const named = `${stream?.stream}@${stream?.revision}`
    expect(await found()).toContainEqual(expect.stringContaining(`${named} ${stream?.type}: type, data or metadata`))
    expect(await toolContradictions(house)).toContainEqual(expect.stringContaining(`${stream?.stream}`))
  })
})
