/**
 * What is repeated, lost, reordered or forged between the parts of a house: conflicts of revisions, deadlocks, messages
 * to the engine and its word back, on the real event store, Postgres and NATS. Each test says how it was seen to fail.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { Client } from 'pg'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type CommandContext, createCommandBus } from '../../src/commands/handle.ts'
import { deterministicId } from '../../src/commands/identity.ts'
import { account, programAccountIdOf } from '../../src/commands/noctant/account.ts'
import { parseApiKey } from '../../src/commands/noctant/api-key.ts'
import { operator } from '../../src/commands/noctant/operator.ts'
import { globalUserIdOf } from '../../src/commands/noctant/user.ts'
import type { EngineEvent } from '../../src/gateway/contract.ts'
import { eventsOf } from '../support/event-store.ts'
import { crashHouse } from './crashes.ts'
import type { RoleName } from './house.ts'
import { ask, buy, closeAll, insist, openAccount } from './workload.ts'

const { house, history, broker, forged, newOperator, order, reached, reaches } = crashHouse()

const accountStream = (external: string) => `noctant.account-${programAccountIdOf(house().api().operatorId, external)}`
const engineEvents = (accountId: string) => eventsOf(house().store, `noctant.engine-${accountId}`)
/** The context of an administrator's command. */
function contextAt(at: string): CommandContext {
  const commandId = randomUUID()
  const actor = { kind: 'admin', id: 'test' } as const
  const ids = { commandId, requestId: commandId, correlationId: commandId }
  return { ...ids, fingerprint: undefined, actor, traceparent: undefined, at }
}

/** What a role has logged so far. */
const logOf = (role: string): string =>
  house()
    .logFiles()
    .filter((file) => file.includes(`/${role}/`) && existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('')

/** The place is named before the process halts there: a SIGCONT in between would be lost. */
const halted = (role: RoleName) =>
  vi.waitFor(() => expect(readFileSync(`/proc/${house().pidOf(role)}/stat`, 'utf8')).toMatch(/\) T /), {
    interval: 5,
    timeout: 10_000,
  })

describe('two writers of one stream', { timeout: 60_000 }, () => {
  /** Asks for a change, and before each of so many appends of the API's appends to the same stream itself. */
  async function overtaken(times: number) {
    const { external } = await openAccount(house(), history)
    const bus = createCommandBus(house().store, {
      cachedAggregatesMax: 10,
      seenCommandsMax: 100_000,
      conflictRetriesMax: 3,
    })
    const stand = () => order({ at: 'command.before-append', about: accountStream(external), do: 'stop' })
    const path = `/accounts/by-external-id/status?external_account_id=${external}`
    stand()
    const asked = ask(house(), 'PATCH', path, { status: 'disabled', idempotency_key: randomUUID() })
    const commandIds: string[] = []
    for (let time = 1; time <= times; time++) {
      await reached()
      await halted('api')
      const at = new Date().toISOString()
      const context = contextAt(at)
      const { commandId } = context
      const command = { kind: 'closeAll', reason: null, commandId, at } as const
      const programAccountId = programAccountIdOf(house().api().operatorId, external)
      await bus.handle(account, programAccountId, command, context)
      commandIds.push(commandId)
      if (time < times) stand()
      house().proceed('api')
    }
    return { external, commandIds, answer: await asked, events: await eventsOf(house().store, accountStream(external)) }
  }

  it('row 9: one that is overtaken three times decides again on the truth each time', async () => {
    // Seen to fail with the state not loaded again after a conflict: 409.
    const { external, commandIds, answer, events } = await overtaken(3)
    expect([answer.status, answer.body.changed]).toEqual([202, true])
    expect(events.filter(({ type }) => type === 'noctant.AccountStatusChanged.v1')).toHaveLength(1)
    const requested = events.filter(({ type }) => type === 'noctant.EngineCommandRequested.v1')
    expect(requested.map(({ data }) => data.sequence)).toEqual(requested.map((_, index) => index + 1))
    for (const id of commandIds) await reaches(external, id, 'engine_wal_confirmed')
  })

  it('row 9: one that is overtaken four times is 409, and has written nothing', async () => {
    // Seen to fail with one decision more than there are to be: 202.
    const { answer, events } = await overtaken(4)
    expect([answer.status, answer.body.code]).toEqual([409, 'concurrent_change'])
    expect(events.filter(({ type }) => type === 'noctant.AccountStatusChanged.v1')).toEqual([])
  })
})

describe('an event store that stands still', { timeout: 60_000 }, () => {
  it('row 7: is 503 in time to whoever writes, and nothing is written', async () => {
    // Seen to fail with reads as db-client makes them, without a bound: no answer within 10 s.
    const external_id = `row7-${randomUUID()}`
    house().services.store.pause()
    const answer = await ask(house(), 'POST', '/users', { external_id })
    expect([answer.status, answer.headers.has('retry-after')]).toEqual([503, true])
    house().services.store.proceed()
    const path = `/users?external_id=${external_id}`
    expect((await insist(house(), 'POST', '/users', { external_id })).status).toBeLessThan(300)
    await vi.waitFor(async () => expect((await ask(house(), 'GET', path)).status).toBe(200), { timeout: 10_000 })
    history.push({ what: 'user', id: external_id, outcome: 'ok' })
  })
})

describe('an API key', { timeout: 60_000 }, () => {
  it('row 36: one that is revoked under its request lets that complete, and the next is 401', async () => {
    // Seen to fail with the revocation left out of the read model: the next is 200.
    const { operatorId, key } = await newOperator()
    const external_id = `row36-${randomUUID()}`
    order({ at: 'command.before-append', about: `noctant.user-${globalUserIdOf(operatorId, external_id)}`, do: 'stop' })
    const asked = ask(house(), 'POST', '/users', { external_id }, { key })
    await reached()
    await halted('api')
    const bus = createCommandBus(house().store, {
      cachedAggregatesMax: 10,
      seenCommandsMax: 100_000,
      conflictRetriesMax: 3,
    })
    const keyId = parseApiKey(key)?.keyId ?? ''
    const at = new Date().toISOString()
    await bus.handle(operator, operatorId, { kind: 'revokeKey', keyId, reason: null, at }, contextAt(at))
    house().proceed('api')
    expect((await asked).status).toBe(201)
    const next = async () => (await ask(house(), 'GET', '/me', undefined, { key })).status
    await vi.waitFor(async () => expect(await next()).toBe(401), { interval: 20, timeout: 1_000 })
  })
})

describe('Postgres', { timeout: 60_000 }, () => {
  it('row 12: a batch that ends in a deadlock is written again at once, without starting over', async () => {
    // Seen to fail with 40P01 left out of the codes that are run again: the subscription is lost and made anew.
    const external_id = `row12-${randomUUID()}`
    const other = new Client({ connectionString: house().databaseUrl })
    const onlooker = new Client({ connectionString: house().databaseUrl })
    onTestFinished(async () => void (await Promise.all([other.end(), onlooker.end()])))
    await Promise.all([other.connect(), onlooker.connect()])
    const deadlocks = async () => {
      const { rows } = await onlooker.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')
      return Number(rows[0].deadlocks)
    }
    const deadlocksBefore = await deadlocks()
    // The one that looks first is the victim.
    await other.query("BEGIN; SET LOCAL deadlock_timeout = '1min'; LOCK TABLE noctant_users IN EXCLUSIVE MODE")
    const before = logOf('projector').length
    const asked = ask(house(), 'POST', '/users', { external_id })
    const waiting =
      "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'noctant_users'::regclass AND locktype = 'relation'"
    await vi.waitFor(async () => expect((await onlooker.query(waiting)).rowCount).toBe(1), {
      interval: 10,
      timeout: 5_000,
    })
    await other.query("UPDATE opslog_checkpoints SET updated_at = now() WHERE name = 'projections_noctant'")
    await other.query('COMMIT')
    expect((await asked).status).toBe(201)
    const path = `/users?external_id=${external_id}`
    await vi.waitFor(async () => expect((await ask(house(), 'GET', path)).status).toBe(200), { timeout: 5_000 })
    await vi.waitFor(async () => expect(await deadlocks()).toBeGreaterThan(deadlocksBefore), { timeout: 10_000 })
    expect(logOf('projector').slice(before)).not.toMatch(/starts over|subscription lost/)
    history.push({ what: 'user', id: external_id, outcome: 'ok' })
  })
})

describe('commands on their way to the engine', { timeout: 60_000 }, () => {
  it('row 14: one that comes again, within the window of the broker and after it, is decided once', async () => {
    // Seen to fail with the inbox not asked: the log refuses a second decision, and the message is never acknowledged.
    const { external, accountId } = await openAccount(house(), history)
    const commandId = await closeAll(house(), external, history)
    await reaches(external, commandId, 'engine_wal_confirmed')
    const before = await engineEvents(accountId)
    const requested = (await eventsOf(house().store, accountStream(external))).find(
      ({ data }) => data.commandId === commandId && data.order !== undefined,
    )?.data
    const body = JSON.stringify({
      commandId,
      accountId,
      sequence: requested?.sequence,
      attempt: 0,
      issuedAt: requested?.occurredAt,
      ...(requested?.order as object),
    })
    const again = () => broker().publish('commands', accountId, commandId, body)
    expect((await again()).duplicate).toBe(true)
    await broker().rememberFor('commands', 100)
    const published = await vi.waitFor(
      async () => {
        const receipt = await again()
        expect(receipt.duplicate).toBe(false)
        return receipt
      },
      { timeout: 10_000 },
    )
    await vi.waitFor(
      async () => expect(await broker().acknowledged('commands')).toBeGreaterThanOrEqual(published.seq),
      {
        timeout: 10_000,
      },
    )
    await broker().rememberFor('commands', 120_000)
    // The engine has answered again, and that answer is no news.
    const answered = await broker().lastSequence('events')
    await vi.waitFor(async () => expect(await broker().acknowledged('events')).toBeGreaterThanOrEqual(answered), {
      timeout: 10_000,
    })
    expect((await engineEvents(accountId)).map(({ id }) => id)).toEqual(before.map(({ id }) => id))
  })

  it('row 15: one whose PubAck is lost is published again, and the duplicate counts as success', async () => {
    // Seen to fail with a message id of its own for every publish (another sequence is recorded), and with a duplicate
    // taken for a failure (nothing is recorded).
    const { external } = await openAccount(house(), history)
    const last = await broker().lastSequence('commands')
    // The engine has it before the test can look.
    onTestFinished(await broker().keep('commands'))
    const passed = house().lines('relay').nats.loseAnswerTo('"kind":"close_all"')
    const commandId = await closeAll(house(), external, history)
    await passed
    const ours = async () => (await broker().messages('commands', last)).filter(({ body }) => body.includes(commandId))
    const [stored] = await vi.waitFor(
      async () => {
        const found = await ours()
        expect(found).toHaveLength(1)
        return found
      },
      { timeout: 10_000 },
    )
    house().lines('relay').nats.mend()
    const stream = `noctant.engineCommand-${commandId}`
    await vi.waitFor(async () => expect(await eventsOf(house().store, stream)).toHaveLength(1), { timeout: 20_000 })
    const [record] = await eventsOf(house().store, stream)
    expect([record?.type, record?.data.streamSequence]).toEqual([
      'noctant.EngineCommandPublished.v1',
      String(stored?.sequence),
    ])
    await reaches(external, commandId, 'engine_wal_confirmed')
  })
})

describe('the engine’s word', { timeout: 60_000 }, () => {
  /** Events of an account that nobody but the broker has heard of: taken out of the stream, while the relay is down. */
  async function unheard() {
    const { external, accountId } = await openAccount(house(), history)
    await buy(house(), accountId)
    const settled = await closeAll(house(), external, history)
    await reaches(external, settled, 'engine_wal_confirmed')
    const known = await engineEvents(accountId)
    await house().kill('relay')
    const last = await broker().lastSequence('events')
    await buy(house(), accountId)
    const bodies = await vi.waitFor(
      async () => {
        const found = (await broker().messages('events', last)).filter(({ key }) => key === accountId)
        expect(found.at(-1)?.body).toContain('"type":"AccountMarked"')
        return found.map(({ body }) => body)
      },
      { timeout: 10_000 },
    )
    await broker().purge('events')
    const events = bodies.map((body) => JSON.parse(body) as EngineEvent)
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => known.length + 1 + index))
    const send = (event: EngineEvent) => broker().publish('events', accountId, randomUUID(), JSON.stringify(event))
    /** Leaves no position open, so that the books can be held against each other. */
    const close = async () => reaches(external, await closeAll(house(), external, history), 'engine_wal_confirmed')
    return { accountId, known, events, send, close }
  }
  const isRecorded = async (accountId: string, known: { id: string }[], events: EngineEvent[]) => {
    const recorded = (await engineEvents(accountId)).map(({ id }) => id)
    expect(recorded.slice(0, known.length + events.length)).toEqual([
      ...known.map(({ id }) => id),
      ...events.map(({ eventId }) => eventId),
    ])
  }

  it('row 18: that comes backwards and twice is recorded once and in the order of its log', async () => {
    // Seen to fail with whatever comes appended as it comes.
    const { accountId, known, events, send, close } = await unheard()
    for (const event of events.toReversed()) for (const _ of [1, 2]) await send(event)
    await house().start('relay')
    await vi.waitFor(() => isRecorded(accountId, known, events), { timeout: 20_000 })
    const all = (await engineEvents(accountId)).map(({ id }) => id)
    expect(new Set(all).size).toBe(all.length)
    await close()
  })

  it('row 18: with a gap in it waits, says so, and is asked for again', async () => {
    // Seen to fail with the engine not asked, and with whatever comes appended.
    const { accountId, known, events, send, close } = await unheard()
    const before = logOf('relay').length
    const last = await broker().lastSequence('commands')
    // The engine has acknowledged it before the test can look.
    onTestFinished(await broker().keep('commands'))
    await send(events.at(-1)!)
    await house().start('relay')
    const resends = async () => (await broker().messages('commands', last)).map(({ body }) => JSON.parse(body))
    const resend = { kind: 'resend_events', accountId, fromSequence: known.length + 1 }
    await vi.waitFor(async () => expect(await resends()).toContainEqual(resend), { timeout: 10_000 })
    expect(logOf('relay').slice(before)).toMatch(/engine events are out of order/)
    await vi.waitFor(() => isRecorded(accountId, known, events), { timeout: 20_000 })
    await close()
  })

  it('row 18: that contradicts the record is set aside for people, and the record stands', async () => {
    // Seen to fail with whatever has a recorded sequence acknowledged.
    const { external, accountId } = await openAccount(house(), history)
    await buy(house(), accountId)
    const id = await closeAll(house(), external, history)
    await reaches(external, id, 'engine_wal_confirmed')
    const known = await engineEvents(accountId)
    const decided = known.find(({ data }) => data.commandId === id)
    const lie = {
      eventId: randomUUID(),
      accountId,
      sequence: Number(decided?.data.sequence),
      commandId: id,
      occurredAt: new Date().toISOString(),
      type: 'CommandDecided',
      data: { kind: 'close_all', outcome: 'rejected', reasonCode: 'account_disabled', reason: 'forged' },
    }
    expect(await eventsOfQuarantine(accountId)).toEqual([])
    forged.add(accountId)
    await broker().publish('events', accountId, randomUUID(), JSON.stringify(lie))
    await vi.waitFor(async () => expect(await eventsOfQuarantine(accountId)).toHaveLength(1), { timeout: 10_000 })
    const [aside] = await eventsOfQuarantine(accountId)
    expect(JSON.parse(String(aside?.data.body))).toEqual(lie)
    expect(logOf('relay')).toMatch(/"level":50.*engine event quarantined/)
    await isRecorded(accountId, known, [])
  })
})

const eventsOfQuarantine = (accountId: string) =>
  eventsOf(house().store, `noctant.engineQuarantine-${deterministicId('quarantine', accountId)}`)
