/**
 * Processes killed at a desk, between a reservation, its call and its settlement. Whoever comes after them finds what was set aside
 * still counted, never passes the limit, and corrects it once.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DeskOf } from '../../../../src/commands/rungate/desk/interface.ts'
import type { DeskEvent } from '../../../../src/events/rungate/desk.ts'
import type { CrashOrder } from '../../../../src/runtime/crash-points.ts'
import { candidates, settlement } from '../../../support/desk.ts'
import { context, newAgent, newCall, startDesks } from '../../../support/desks.ts'
import { startTestStore, type TestStore } from '../../../support/event-store.ts'
import { temporaryDirectory } from '../../../support/services.ts'
import { root } from '../../../support/source.ts'

let node: TestStore
const directory = temporaryDirectory()
beforeAll(async () => {
  node = await startTestStore()
})
afterAll(async () => {
  await node.close()
  directory.remove()
})

let files = 0

/** Makes one call in a process of its own, which ends as it is ordered to. */
async function callAndDie(agent: DeskOf, order: CrashOrder, books = 20_000) {
  const file = join(directory.path, `order-${++files}.json`)
  writeFileSync(file, JSON.stringify(order))
  const program = join(root, 'test/support/desk-caller.ts')
  const given = [program, node.url, agent.accountId, agent.agentId, String(books)]
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...given], {
    env: { ...process.env, CRASH_POINT_FILE: file },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said: Record<string, string> = {}
  createInterface({ input: child.stdout }).on('line', (line) => Object.assign(said, JSON.parse(line)))
  const [, signal] = await once(child, 'close')
  expect(signal).toBe('SIGKILL')
  return said
}

const typesOf = async ({ agentId }: DeskOf, book = '') => {
  const events = await Array.fromAsync(node.store.readStream<DeskEvent>(`rungate.desk-${agentId}${book}`))
  return events.map(({ type }) => type.split('.')[1])
}

async function admitNext(agent: DeskOf) {
  const desks = startDesks(node.store)
  const outcome = await desks.admit(newCall(agent, { budget: { hardLimitUsd: '0.05' } }), () => candidates, context())
  if (outcome.kind !== 'admitted') throw new Error(outcome.kind)
  return { desks, outcome }
}

it('killed before the reservation’s append nothing has happened', { timeout: 60_000 }, async () => {
  const agent = newAgent()
  const said = await callAndDie(agent, { at: 'desk.before-append', do: 'kill' })
  expect(said.admitted).toBeUndefined()
  expect(await typesOf(agent)).toStrictEqual([])
  expect((await admitNext(agent)).outcome.remaining.usd).toBe('0.0399')
})

it.each([
  ['between its append and its answer', { at: 'desk.after-append', about: 'CallReserved', do: 'kill' }],
  ['between the call and its settlement', { at: 'desk.before-append', about: 'CallSettled', do: 'kill' }],
] as const)(
  'killed %s the reservation holds until it expires, and is corrected once',
  { timeout: 60_000 },
  async (_, order) => {
    const agent = newAgent()
    const { callId = '', processId = '' } = await callAndDie(agent, order)
    const { desks, outcome } = await admitNext(agent)
    expect(outcome.remaining.usd).toBe('0.0298')
    await desks.expireOf(agent, processId, context())
    expect((await admitNext(agent)).outcome.remaining.usd).toBe('0.0197')
    const corrected = await desks.settleNow(agent, { ...settlement(''), callId }, context())
    expect(corrected?.totals.costUsd).toBe('0.00105')
    expect(await desks.settleNow(agent, { ...settlement(''), callId }, context())).toBeUndefined()
    expect((await typesOf(agent)).filter((type) => type === 'CallSettled')).toHaveLength(1)
  },
)

it('killed after the settlement’s append it is settled', { timeout: 60_000 }, async () => {
  const agent = newAgent()
  const { callId } = await callAndDie(agent, { at: 'desk.after-append', about: 'CallSettled', do: 'kill' })
  const { desks, outcome } = await admitNext(agent)
  expect(outcome.run.totals).toMatchObject({ costUsd: '0.00105', stepCount: 2 })
  expect(await desks.settleNow(agent, { ...settlement(''), callId: callId ?? '' }, context())).toBeUndefined()
})

it('killed between two books the next one opens the second', { timeout: 60_000 }, async () => {
  const agent = newAgent()
  await callAndDie(agent, { at: 'desk.between-books', do: 'kill' }, 2)
  expect(await typesOf(agent)).toStrictEqual(['RunStarted', 'CallReserved', 'BookClosed'])
  expect((await admitNext(agent)).outcome).toMatchObject({ isNewRun: false, remaining: { usd: '0.0298' } })
  expect(await typesOf(agent, '.2')).toStrictEqual(['BookOpened', 'CallReserved'])
})
