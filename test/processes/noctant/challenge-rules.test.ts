import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCommandBus } from '../../../src/commands/handle.ts'
import { account, programAccountIdOf } from '../../../src/commands/noctant/account.ts'
import { type ChallengeFacts, challenge } from '../../../src/commands/noctant/challenge.ts'
import { challengeInstanceIdOf } from '../../../src/commands/noctant/challenge-identity.ts'
import type { EngineEvent } from '../../../src/events/noctant/engine.ts'
import { createChallengeRules } from '../../../src/processes/noctant/challenge-rules.ts'
import { systemContext } from '../../http/api.ts'
import { type Prepared, prepared } from '../../projections/support.ts'
import { eventsOf, startTestStore, type TestStore } from '../../support/event-store.ts'
import { engineLog } from '../../support/examples/engine-log.ts'
import { accountFacts } from '../../support/examples/noctant.ts'
import { example } from '../../support/examples.ts'
import { recordingLog } from '../../support/streams.ts'

let node: TestStore
let database: Prepared
beforeAll(async () => {
  ;[node, database] = await Promise.all([startTestStore(), prepared()])
})
afterAll(async () => {
  await database.drop()
  await node.close()
})

const newBus = () =>
  createCommandBus(node.store, { cachedAggregatesMax: 100, seenCommandsMax: 100_000, conflictRetriesMax: 3 })
const limits = {
  recordIntervalMs: 10_000,
  sweepIntervalMs: 1_000,
  graceMs: 0,
  sweepBatchMax: 100,
  concurrencyMax: 4,
  accountsCacheMax: 100,
}
/** The process, as it is right after a start. */
const started = (recordIntervalMs = limits.recordIntervalMs) =>
  createChallengeRules({
    bus: newBus(),
    store: node.store,
    db: database.db,
    log: recordingLog(),
    limits: { ...limits, recordIntervalMs },
  })

const cause = { $correlationId: 'c', $causationId: 'c', actor: { kind: 'engine', id: 'test' } as const, commandId: 'c' }
async function tell(accountId: string, ...events: EngineEvent[]) {
  const stream = `noctant.engine-${accountId}`
  const last = (await eventsOf(node.store, stream)).at(-1)
  const batch = events.map((event) => ({ id: randomUUID(), event, cause }))
  await node.store.append(stream, last?.revision, last?.metadata.hash ?? '', batch)
  return Array.fromAsync(node.store.readStream(stream, { from: last === undefined ? 0n : last.revision + 1n }))
}
const record = (instanceId: string) => eventsOf(node.store, `noctant.challenge-${instanceId}`)
const typesOf = async (instanceId: string) => (await record(instanceId)).map(({ type }) => type.split('.')[1])

/** An account with a challenge on it. */
async function challenged() {
  const bus = newBus()
  const facts = { ...accountFacts, externalAccountId: randomUUID(), rulesOwner: 'noctant' as const }
  const programAccountId = programAccountIdOf(facts.operatorId, facts.externalAccountId)
  const context = systemContext()
  const { commandId, at } = context
  const opened = await bus.handle(account, programAccountId, { kind: 'open', facts, commandId, at }, context)
  if (opened.state.status === 'absent') throw new Error('the account was not opened')
  const { accountId } = opened.state.facts
  const instanceId = challengeInstanceIdOf(accountId)
  const attaching = systemContext()
  const attach = {
    kind: 'attachChallenge',
    initialBalance: '100000.00',
    currency: 'USD',
    untouchedAccountId: accountId,
  } as const
  await bus.handle(account, programAccountId, { ...attach, instanceId, commandId: attaching.commandId, at }, attaching)
  const { data } = example('noctant.ChallengeStarted.v1')
  const from: ChallengeFacts = { ...data, chainId: instanceId, accountId, programAccountId }
  await bus.handle(challenge, instanceId, { kind: 'start', facts: from, at }, systemContext())
  return { programAccountId, accountId, instanceId }
}
const now = (plusMs = 0) => new Date(Date.now() + plusMs).toISOString()

describe('challenge rules', () => {
  it('end alike whenever the process was started over', async () => {
    const [one, two] = [await challenged(), await challenged()]
    const story = (accountId: string, at: string): EngineEvent[] => {
      const log = engineLog(accountId)
      return [
        log.opened(at, '100000.00'),
        log.marked(at, '100000.00', '103000.00', true),
        log.filled(at),
        log.changed(at, '-100.00', '99900.00'),
        log.marked(at, '99900.00'),
        log.marked(at, '99900.00', '94000.00', true),
      ]
    }
    const at = now()
    const steady = started()
    for (const event of story(one.accountId, at)) await steady.handle(await tell(one.accountId, event))
    for (const event of story(two.accountId, at)) await started().handle(await tell(two.accountId, event))
    const lastOf = async (instanceId: string) => (await record(instanceId)).at(-1)
    const [first, second] = [await lastOf(one.instanceId), await lastOf(two.instanceId)]
    expect(first).toMatchObject({ type: 'noctant.ChallengeFailed.v1', data: { breach: { engineSequence: 6 } } })
    expect(second?.data.breach).toStrictEqual(first?.data.breach)
    expect(await typesOf(two.instanceId)).toStrictEqual(await typesOf(one.instanceId))
  })

  it('take in what is delivered twice once, and catch up on what was not delivered at all', async () => {
    const { accountId, instanceId } = await challenged()
    const rules = started()
    const log = engineLog(accountId)
    await tell(accountId, log.filled(now()), log.changed(now(), '-10.00', '99990.00'))
    const delivered = await tell(accountId, log.marked(now(), '99990.00'))
    await rules.handle(delivered)
    await rules.handle(delivered)
    await started().handle(delivered)
    expect(await typesOf(instanceId)).toStrictEqual(['ChallengeStarted', 'ChallengeMeasured'])
    expect((await record(instanceId)).at(-1)?.data).toMatchObject({
      measures: { engineSequence: 3, dailyPnl: '-10.00' },
    })
  })

  it('two processes at once record one end', async () => {
    const { accountId, instanceId } = await challenged()
    const delivered = await tell(accountId, engineLog(accountId).marked(now(), '1.00'))
    await Promise.all([started().handle(delivered), started().handle(delivered), started().handle(delivered)])
    expect(await typesOf(instanceId)).toStrictEqual(['ChallengeStarted', 'ChallengeFailed'])
  })

  it('go through more events than they take in one go', async () => {
    const { accountId, instanceId } = await challenged()
    const log = engineLog(accountId)
    const at = now()
    const marks = Array.from({ length: 1_100 }, (_, n) => log.marked(at, '100000.00', `${100_000 + n}.00`, true))
    const delivered = await tell(accountId, ...marks, log.marked(at, '100000.00', '95000.00', true))
    await started().handle(delivered.slice(-1))
    const [, ...measured] = await record(instanceId)
    expect(measured.map(({ data }) => data.measures)).toMatchObject([
      { engineSequence: 500, peakEquity: '100499.00' },
      { engineSequence: 1_000, peakEquity: '100999.00' },
    ])
    const end = await tell(accountId, log.marked(at, '100000.00', '94999.99', true))
    await started().handle(end)
    expect((await record(instanceId)).at(-1)).toMatchObject({
      type: 'noctant.ChallengeFailed.v1',
      data: { measures: { peakEquity: '101099.00', engineSequence: 1_102 } },
    })
  })

  it('leave accounts without a challenge alone until one is started', async () => {
    const rules = started()
    const accountId = randomUUID()
    await rules.handle(await tell(accountId, engineLog(accountId).marked(now(), '1.00')))
    expect(await typesOf(challengeInstanceIdOf(accountId))).toStrictEqual([])
    const later = await challenged()
    const early = await tell(later.accountId, engineLog(later.accountId).marked(now(), '1.00'))
    await rules.handle([...early, ...(await record(later.instanceId))])
    expect(await typesOf(later.instanceId)).toContain('ChallengeFailed')
  })

  it('have the account disabled once after a breach, and not again when the operator has enabled it', async () => {
    const { programAccountId, accountId, instanceId } = await challenged()
    const rules = started()
    await rules.handle(await tell(accountId, engineLog(accountId).marked(now(), '1.00')))
    const failed = (await record(instanceId)).slice(-1)
    await rules.handle(failed)
    const bus = newBus()
    const orders = async () =>
      (await eventsOf(node.store, `noctant.account-${programAccountId}`))
        .filter(({ type }) => type === 'noctant.EngineCommandRequested.v1')
        .map(({ data }) => data.order)
    expect(await orders()).toMatchObject([
      { kind: 'open_account' },
      { kind: 'disable_account', forceClosePositions: true, reason: 'challenge failed: maximum_daily_loss' },
    ])
    const context = systemContext()
    const enable = { kind: 'changeStatus', to: 'active', forceClosePositions: false, reason: null } as const
    await bus.handle(account, programAccountId, { ...enable, commandId: context.commandId, at: context.at }, context)
    await started().handle(failed)
    expect(await bus.current(account, programAccountId)).toMatchObject({ status: 'active' })
    expect(await orders()).toHaveLength(3)
  })

  it('pass over what does not decode, and say so', async () => {
    const log = recordingLog()
    const rules = createChallengeRules({ bus: newBus(), store: node.store, db: database.db, log, limits })
    const position = 1n
    const poison = {
      id: randomUUID(),
      stream: 'noctant.engine-x',
      revision: 0n,
      position,
      type: 'noctant.EngineAccountMarked.v1',
    }
    await rules.handle([
      { ...poison, data: undefined, metadata: undefined, recordedAt: new Date(), fault: 'no data' } as never,
    ])
    expect(log.lines).toMatchObject([{ level: 'error', fields: { fault: 'no data' } }])
  })
})
