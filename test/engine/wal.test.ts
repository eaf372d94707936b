import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { evolve, unopenedAccount } from '../../src/engine/account.ts'
import { LogUnavailable } from '../../src/engine/desk.ts'
import { DirectoryInUse } from '../../src/engine/lock.ts'
import type { Wal } from '../../src/engine/wal.ts'
import type { AccountCommand, EngineEvent } from '../../src/gateway/contract.ts'
import type { TemporaryDirectory } from '../support/services.ts'
import { temporaryDirectory } from '../support/services.ts'
import { openTestDesk } from './desk-harness.ts'
import { commandOf, openingOf } from './examples.ts'

let directory: TemporaryDirectory
beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(() => directory.remove())

const adjustment = (accountId: string, sequence: number) =>
  commandOf('adjust_balance', accountId, sequence, { amount: '0.01', reference: `a${sequence}`, reason: null })

function orderInput(accountId: string, facts: object = {}) {
  const order = {
    orderId: randomUUID(),
    clientOrderId: null,
    symbol: 'EURUSD',
    side: 'buy',
    orderType: 'market',
    quantity: '0.1',
    limitPrice: null,
    stopPrice: null,
    takeProfit: '1.20000',
    stopLoss: null,
    timeInForce: 'gtc',
    ...facts,
  } as const
  return { kind: 'place_order', accountId, order, fingerprint: 'f' } as const
}

/** All events of the log, parsed, in log order. */
function allEvents(wal: Wal): EngineEvent[] {
  const events: EngineEvent[] = []
  for (let position = 0n; ; ) {
    const page = wal.eventsAfter(position, 1_000)
    if (page.length === 0) return events
    events.push(...page.map((event) => JSON.parse(event.body) as EngineEvent))
    position = page.at(-1)!.position
  }
}

describe('the log', () => {
  test('commits everything that was submitted in one turn together', async () => {
    const opened = openTestDesk(directory.path)
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => opened.desk.submit({ kind: 'command', command: openingOf(randomUUID()) })),
    )
    expect(answers.every((answer) => answer.kind === 'recorded')).toBe(true)
    expect(opened.commits()).toBe(1)
    expect(opened.wal.head()).toBe(150n)
    await opened.close()
  })

  test.each([
    ['from snapshots', 7, 1_000],
    ['from events alone', 1_000_000, 1_000],
    ['with one idle account in memory at a time', 7, 1],
  ])('rebuilds every state as it was, %s', async (_case, snapshotEveryEvents, idleAccountsMax) => {
    const first = openTestDesk(directory.path, { snapshotEveryEvents, idleAccountsMax })
    const accounts = Array.from({ length: 4 }, () => randomUUID())
    for (const accountId of accounts) await first.desk.submit({ kind: 'command', command: openingOf(accountId) })
    for (const [at, accountId] of [...accounts, ...accounts, ...accounts].entries()) {
      await first.desk.submit(orderInput(accountId))
      await first.desk.submit(orderInput(accountId, { side: 'sell', symbol: 'GBPUSD', takeProfit: null }))
      await first.desk.submit(orderInput(accountId, { orderType: 'limit', limitPrice: '1.05000' }))
      await first.desk.submit({ kind: 'command', command: adjustment(accountId, at + 2) })
    }
    const disabling = commandOf('disable_account', accounts[0]!, 40, { forceClosePositions: true, reason: null })
    await first.desk.submit({ kind: 'command', command: disabling })
    await first.desk.submit({ kind: 'command', command: commandOf('close_all', accounts[1]!, 41, { reason: null }) })
    const before = accounts.map((accountId) => first.desk.account(accountId))
    expect(before.map((state) => state?.positions.length)).toEqual([0, 0, 2, 2])
    await first.close()

    const second = openTestDesk(directory.path, { snapshotEveryEvents, idleAccountsMax })
    expect(accounts.map((accountId) => second.desk.account(accountId))).toEqual(before)
    expect(second.desk.watched().sort()).toEqual(accounts.slice(2).sort())
    await second.close()
  })

  test('keeps the answer to a command and to an order id for ever', async () => {
    const accountId = randomUUID()
    const opening = openingOf(accountId)
    const order = orderInput(accountId)
    const first = openTestDesk(directory.path)
    await first.desk.submit({ kind: 'command', command: opening })
    await first.desk.submit(order)
    await first.close()
    const second = openTestDesk(directory.path)
    const [command, placed] = [
      await second.desk.submit({ kind: 'command', command: opening }),
      await second.desk.submit(order),
    ]
    expect(command).toMatchObject({ kind: 'repeated', entry: { accountId, firstSequence: 1, lastSequence: 3 } })
    expect(placed).toMatchObject({ kind: 'repeated', entry: { firstSequence: 4, lastSequence: 8, fingerprint: 'f' } })
    expect(second.wal.head()).toBe(8n)
    await second.close()
  })

  test('decides a command once where it comes twice within one commit', async () => {
    const opened = openTestDesk(directory.path)
    const command = openingOf(randomUUID())
    const answers = await Promise.all(
      [command, command].map((each) => opened.desk.submit({ kind: 'command', command: each })),
    )
    expect(answers.map((answer) => answer.kind)).toEqual(['recorded', 'repeated'])
    await opened.close()
  })

  test('refuses a second engine on its directory until the first has gone', async () => {
    const opened = openTestDesk(directory.path)
    expect(() => openTestDesk(directory.path)).toThrow(DirectoryInUse)
    await opened.close()
    await openTestDesk(directory.path).close()
  })

  test('refuses a log of a format that it does not know', async () => {
    await openTestDesk(directory.path).close()
    const database = new DatabaseSync(join(directory.path, 'engine.db'))
    database.exec("UPDATE meta SET value = '99' WHERE key = 'format'")
    database.close()
    expect(() => openTestDesk(directory.path)).toThrow('has format 99; this engine reads format 1')
  })

  test('that cannot be written fails everyone in the commit, changes nothing, and goes on when it can', async () => {
    const opened = openTestDesk(directory.path)
    const accountId = randomUUID()
    await opened.desk.submit({ kind: 'command', command: openingOf(accountId) })
    const before = opened.desk.account(accountId)
    const adjusting = adjustment(accountId, 2)
    const blocker = new DatabaseSync(join(directory.path, 'engine.db'))
    blocker.exec('BEGIN IMMEDIATE')
    const failed = await Promise.allSettled([
      opened.desk.submit({ kind: 'command', command: adjusting }),
      opened.desk.submit(orderInput(accountId)),
    ])
    expect(failed.map((result) => result.status === 'rejected' && result.reason instanceof LogUnavailable)).toEqual([
      true,
      true,
    ])
    expect(opened.desk.account(accountId)).toEqual(before)
    blocker.close()
    expect(await opened.desk.submit({ kind: 'command', command: adjusting })).toMatchObject({ kind: 'recorded' })
    expect(opened.desk.account(accountId)?.balance).toBe('100000.01')
    await opened.close()
  })

  test('cut anywhere in its newest part opens as a whole number of commits', async () => {
    const opened = openTestDesk(directory.path)
    const accountId = randomUUID()
    await opened.desk.submit({ kind: 'command', command: openingOf(accountId) })
    for (let sequence = 2; sequence < 12; sequence++) {
      await opened.desk.submit({ kind: 'command', command: adjustment(accountId, sequence) })
    }
    const written = readFileSync(join(directory.path, 'engine.db-wal'))
    const seen = new Set<bigint>()
    for (let cut = 0; cut <= 60; cut++) {
      const copy = join(directory.path, `cut-${cut}`)
      mkdirSync(copy)
      copyFileSync(join(directory.path, 'engine.db'), join(copy, 'engine.db'))
      writeFileSync(
        join(copy, 'engine.db-wal'),
        written.subarray(0, written.length - Math.floor((cut * written.length) / 90)),
      )
      const reopened = openTestDesk(copy)
      const head = reopened.wal.head()
      expect(head % 3n).toBe(0n)
      expect(reopened.desk.account(accountId)?.sequence ?? 0).toBe(Number(head))
      seen.add(head)
      await reopened.close()
    }
    expect(seen.has(33n)).toBe(true)
    expect(seen.size).toBeGreaterThan(5)
    await opened.close()
  })
})

describe('kill -9', () => {
  /** Feeds commands to a child until so many are acknowledged, kills it, and answers with the acknowledged ids. */
  async function killedAfter(acknowledgements: number, commands: readonly AccountCommand[]): Promise<string[]> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-child.ts'), directory.path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const exited = new Promise((resolve) => child.once('exit', resolve))
    const acknowledged: string[] = []
    // The pipe breaks when the child dies with input unread; that is the point.
    child.stdin.on('error', () => undefined)
    child.stdin.write(commands.map((command) => `${JSON.stringify(command)}\n`).join(''))
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line)
      if (acknowledged.length === acknowledgements) child.kill('SIGKILL')
    }
    await exited
    return acknowledged
  }

  test('loses no acknowledged decision, and each command is decided once over all restarts', async () => {
    const accounts = Array.from({ length: 5 }, () => randomUUID())
    const commands = [
      ...accounts.map((accountId) => openingOf(accountId)),
      ...Array.from({ length: 600 }, (_, at) => adjustment(accounts[at % 5]!, at + 2)),
    ]
    const acknowledged = new Set<string>()
    for (const [round, count] of [40, 90, 150].entries()) {
      for (const commandId of await killedAfter(count, commands)) acknowledged.add(commandId)
      const { wal, close } = openTestDesk(directory.path)
      for (const commandId of acknowledged) expect(wal.inboxEntry(commandId), `round ${round}`).toBeDefined()
      await close()
    }

    const opened = openTestDesk(directory.path)
    const answers = await Promise.all(commands.map((command) => opened.desk.submit({ kind: 'command', command })))
    expect(answers.filter((answer) => answer.kind === 'repeated').length).toBeGreaterThanOrEqual(acknowledged.size)
    const events = allEvents(opened.wal)
    const decisions = events.filter((event) => event.type === 'CommandDecided').map((event) => event.commandId)
    expect(decisions.length).toBe(commands.length)
    expect(new Set(decisions)).toEqual(new Set(commands.map((command) => command.commandId)))
    for (const accountId of accounts) {
      let state = unopenedAccount(accountId)
      for (const event of events.filter((each) => each.accountId === accountId)) {
        state = evolve(state, { event, commandSequence: null })
      }
      expect(opened.desk.account(accountId)).toEqual(state)
      expect(state.balance).toBe('100001.20')
    }
    await opened.close()
  }, 60_000)
})
