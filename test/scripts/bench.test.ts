/** How the benchmark goes on, every suite to its end, what it says of bounds, and what its histories are. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { askChild } from '../../bench/child.ts'
import { newAccountId, openLedgers } from '../../bench/killatamata/ground.ts'
import { seedLedger } from '../../bench/killatamata/ledger-history.ts'
import { figuresOf, standingOf, within } from '../../bench/measure.ts'
import { runSuites } from '../../bench/suites.ts'
import { startEventStoreThread } from '../../src/embedded/eventstore/start.ts'
import { temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'

const directory = temporaryDirectory()
afterAll(() => directory.remove())

it('runs each suite to its end, and says which failed', async () => {
  const ran: string[] = []
  const told: unknown[] = []
  const run = async (name: string) => {
    ran.push(name)
    if (name !== 'store') throw new Error(`no ${name}`)
  }
  const failed = await runSuites(['lag', 'store', 'engine'], run, (each) => told.push(each))
  expect(ran).toEqual(['lag', 'store', 'engine'])
  expect(failed).toEqual(['lag', 'engine'])
  expect(told).toEqual([
    { name: 'lag', error: new Error('no lag') },
    { name: 'engine', error: new Error('no engine') },
  ])
})

function program(text: string): string {
  const file = join(directory.path, `${text.length}.ts`)
  writeFileSync(file, `import { answerParent } from '${join(root, 'bench/child.ts')}'\n${text}`)
  return file
}

it('hears an answer of several megabytes of a process that ends right behind it', async () => {
  const asked = program('answerParent(async ({ size }: { size: number }) => ({ text: "x".repeat(size) }))')
  for (let turn = 0; turn < 3; turn++) {
    expect((await askChild<{ text: string }>(asked, { size: 4_000_000 })).text).toHaveLength(4_000_000)
  }
})

it('says how a process ended that gave no answer', async () => {
  const silent = program('process.once("message", () => process.exit(0))')
  await expect(askChild(silent, {})).rejects.toThrow(/ended with code 0 and without an answer/)
})

it('says which of its bounds a ratio keeps', () => {
  const bounds = { floor: 0.5, goal: 0.8, moonshot: 1.2 }
  const ours = figuresOf([])
  const standings = [0.49, 0.5, 0.8, 1.2].map((ratio) => standingOf({ name: 'a row', ours, ratio, ...bounds }))
  expect(standings).toStrictEqual(['missed', 'floor', 'goal', 'moonshot'])
  expect(standingOf({ name: 'a row', ours, ratio: 0.4, floor: 0.5 })).toBe('missed')
  expect(standingOf({ name: 'a row', ours, ratio: 3, floor: 0.5 })).toBe('floor')
  expect([standingOf({ name: 'a row', ours, ratio: 3 }), standingOf({ name: 'a row', ours })]).toStrictEqual([
    undefined,
    undefined,
  ])
})

it('turns a figure that is to stay below its bounds into such a ratio', () => {
  const standingAt = (measured: number) =>
    standingOf(within('a row', figuresOf([]), { measured, atMost: 500, wanted: 100, best: 30 }))
  expect([501, 500, 100, 30].map(standingAt)).toStrictEqual(['missed', 'floor', 'goal', 'moonshot'])
})

it('writes a history of an account that the ledger goes on from', async () => {
  const files = join(directory.path, 'eventstore')
  const accountId = newAccountId()
  const last = await seedLedger(files, { accountId, events: 150, periodEventsMax: 40 })
  expect(last).toBeGreaterThan(2)
  const node = await startEventStoreThread({ directory: files })
  const { ledgers, close } = openLedgers({ eventStoreUrl: node.url })
  try {
    expect(await ledgers.period(accountId)).toBe(last)
    const { availableMicros, heldMicros } = await ledgers.balance(accountId)
    expect(availableMicros).toBeLessThan(1_000_000_000_000n)
    expect([availableMicros % 21_000n, heldMicros]).toStrictEqual([1_000_000_000_000n % 21_000n, 0n])
  } finally {
    await close()
    await node.close()
  }
})
