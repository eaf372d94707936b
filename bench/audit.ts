/**
 * `node bench/audit.ts [--events N] [--keep DIRECTORY]`: how long `opslog audit verify --all` takes over so many events,
 * and how much memory. The log is made for the purpose and thrown away: accounts that are opened, corrected and traded
 * on, chained as the application chains them, interleaved as in life, written in bulk into the store's own files.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { DEFAULT_LIMITS } from '../src/embedded/eventstore/options.ts'
import { EventStore } from '../src/embedded/eventstore/storage/store.ts'
import { chained } from '../src/events/chain.ts'
import { eventSchemas } from '../test/support/contexts.ts'
import { type DataOf, type ExampleType, example } from '../test/support/examples.ts'
import { startProgram, stopProgram } from './instance.ts'

const { values } = parseArgs({ options: { events: { type: 'string', default: '1000000' } } })
const wanted = Number(values.events)

/** Accounts whose events come in turn. */
const ACCOUNTS_IN_TURN = 500
const TRADES_PER_ACCOUNT = 9
/** Appends that wait for the disk together. */
const APPENDS_AT_ONCE = 4_000

interface Made {
  stream: string
  type: string
  data: Record<string, unknown>
}

const at = () => new Date().toISOString()
const cents = (amount: number) => (amount / 100).toFixed(2)

/** An account's life: opened with 100000.00, corrected once, traded on. */
function* lifeOf(operatorId: string): Generator<Made> {
  const [programAccountId, accountId, opening, correcting, correctionId] = Array.from({ length: 5 }, () => randomUUID())
  const owner = { operatorId, programAccountId, accountId }
  let sequence = 0
  let balance = 10_000_000
  const make = <T extends ExampleType>(stream: string, type: T, of: object): Made => {
    const data = { ...example(type, { ...owner, occurredAt: at(), ...of } as never).data } as Record<string, unknown>
    const known = Object.keys((eventSchemas[type] as unknown as { shape: object }).shape)
    return { stream, type, data: Object.fromEntries(known.map((name) => [name, data[name]])) }
  }
  const account = <T extends ExampleType>(type: T, of: object) => make(`noctant.account-${programAccountId}`, type, of)
  const engine = <T extends ExampleType>(type: T, of: Partial<DataOf<T>>) => {
    sequence += 1
    return make(`noctant.engine-${accountId}`, type, { sequence, commandId: null, ...of })
  }
  const book = (change: number, cause: string, reference: unknown, commandId: string | null = null) => {
    balance += change
    const of = { change: cents(change), balance: cents(balance), cause, reference, commandId }
    return engine('noctant.EngineBalanceChanged.v1', of as never)
  }
  const facts = { initialBalance: cents(balance), accountName: null, externalAccountId: `bench-${accountId}` }
  yield account('noctant.AccountOpened.v1', facts)
  const open = {
    kind: 'open_account',
    currency: 'USD',
    initialBalance: cents(balance),
    executionProfileKey: 'standard',
  }
  yield account('noctant.EngineCommandRequested.v1', { commandId: opening, sequence: 1, order: open })
  yield engine('noctant.EngineAccountOpened.v1', { commandId: opening as never, balance: cents(balance) })
  yield engine('noctant.EngineCommandDecided.v1', { commandId: opening as never, kind: 'open_account' })
  const amount = '-25.00'
  yield account('noctant.AccountCorrectionRequested.v1', { correctionId, commandId: correcting, amount })
  const correct = { kind: 'adjust_balance', amount, reference: correctionId, reason: 'fee' }
  yield account('noctant.EngineCommandRequested.v1', { commandId: correcting, sequence: 2, order: correct })
  yield book(-2_500, 'correction', correctionId, correcting)
  yield engine('noctant.EngineCommandDecided.v1', { commandId: correcting as never, kind: 'adjust_balance' })
  for (let trade = 0; trade < TRADES_PER_ACCOUNT; trade++) {
    const [positionId, tradeId] = [randomUUID(), randomUUID()]
    for (const side of ['buy', 'sell'] as const) {
      const [orderId, fillId] = [randomUUID(), randomUUID()]
      yield engine('noctant.EngineOrderPlaced.v1', { orderId, side } as never)
      yield engine('noctant.EngineOrderFilled.v1', { orderId, fillId, side, commission: '0.50' } as never)
      yield book(-50, 'commission', fillId)
      if (side === 'buy') yield engine('noctant.EnginePositionChanged.v1', { positionId } as never)
    }
    const result = { grossPnl: '7.00', commission: '1.00', swap: '0.00', netPnl: '6.00' }
    yield engine('noctant.EngineTradeClosed.v1', { tradeId, positionId, ...result } as never)
    yield book(700, 'trade', tradeId)
    yield engine('noctant.EnginePositionClosed.v1', { positionId } as never)
  }
}

/** Events of many accounts, as they come in turn. */
function* log(): Generator<Made> {
  const operatorId = randomUUID()
  const lives: Generator<Made>[] = []
  for (;;) {
    while (lives.length < ACCOUNTS_IN_TURN) lives.push(lifeOf(operatorId))
    for (let index = lives.length - 1; index >= 0; index--) {
      const next = lives[index]!.next()
      if (next.done) lives.splice(index, 1)
      else yield next.value
    }
  }
}

async function fill(directory: string): Promise<void> {
  const onNotice = (notice: string) => process.stderr.write(`event store: ${notice}\n`)
  const store = new EventStore({ ...DEFAULT_LIMITS, directory, onNotice })
  const tails = new Map<string, { revision: bigint; hash: string }>()
  const pending: Promise<void>[] = []
  let written = 0
  for (const { stream, type, data } of log()) {
    if (written === wanted) break
    const tail = tails.get(stream) ?? { revision: -1n, hash: '' }
    const id = randomUUID()
    const commandId = randomUUID()
    const actor = { kind: 'operator' as const, id: String(data.operatorId ?? 'engine') }
    const cause = { $correlationId: commandId, $causationId: commandId, actor, requestId: commandId, commandId }
    const place = { id, stream, revision: tail.revision + 1n }
    const { hash, ...link } = chained(tail.hash, { type, data }, cause, place)
    const expected = tail.revision < 0n ? ('no_stream' as const) : tail.revision
    tails.set(stream, { revision: place.revision, hash })
    const bytes = { id: Buffer.from(id.replaceAll('-', ''), 'hex'), data: Buffer.from(link.data) }
    const event = { ...bytes, type, json: true, customMetadata: Buffer.from(link.metadata) }
    const request = { stream, expected, operation: 'append' as const, events: [event], deadlineMs: undefined }
    pending.push(
      store.write(request).then(({ kind }) => {
        if (kind !== 'written') throw new Error(`${stream} was not written: ${kind}`)
      }),
    )
    written += 1
    if (pending.length < APPENDS_AT_ONCE) continue
    await Promise.all(pending.splice(0))
    await turn()
  }
  await Promise.all(pending)
  await store.close()
}

interface Verified {
  report: { ok: boolean; events: number; streams: number; findings_total: number; findings: object[] }
  seconds: number
  residentMiBMax: number
}

/** The command itself, as a program of its own. */
async function verify(eventStoreUrl: string): Promise<Verified> {
  const program = join(import.meta.dirname, '../src/cli/opslog.ts')
  // The process tells of its own peak when it ends.
  const epilogue = 'process.on("exit",()=>process.stderr.write("peak "+process.resourceUsage().maxRSS+"\\n"))'
  const flags = ['--import', `data:text/javascript,${encodeURIComponent(epilogue)}`]
  const startedMs = performance.now()
  const child = spawn(process.execPath, [...flags, program, 'audit', 'verify', '--all', '--json'], {
    env: { ...process.env, EVENTSTORE_URL: eventStoreUrl, NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text))
  await new Promise((resolve) => child.on('close', resolve))
  const peakKiB = Number(/peak (\d+)/.exec(said.err)?.[1])
  if (said.out === '') throw new Error(said.err)
  return {
    report: JSON.parse(said.out),
    seconds: (performance.now() - startedMs) / 1_000,
    residentMiBMax: peakKiB / 1_024,
  }
}

const directory = mkdtempSync(join(tmpdir(), 'opslog-bench-audit-'))
try {
  const startedMs = performance.now()
  await fill(directory)
  process.stdout.write(`${wanted} events written in ${Math.round((performance.now() - startedMs) / 1_000)} s\n`)
  const node = await startProgram('../src/embedded/eventstore/main.ts', ['--directory', directory], {}, /\n/)
  try {
    const { report, seconds, residentMiBMax } = await verify((JSON.parse(node.said) as { url: string }).url)
    const { events, streams, findings_total: findings } = report
    process.stdout.write(
      `${events} events of ${streams} streams verified in ${seconds.toFixed(1)} s ` +
        `(${Math.round(events / seconds)}/s), ${Math.round(residentMiBMax)} MiB at most, ${findings} findings\n`,
    )
    if (!report.ok) process.stdout.write(`${JSON.stringify(report.findings.slice(0, 5), null, 1)}\n`)
  } finally {
    await stopProgram(node.child)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
