/**
 * A log whose end is missing although it was acknowledged: cut files, deleted files, with the index and without it. The
 * node must not start on it, and after the loss was accepted it must not give out a position twice.
 */
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../../../src/embedded/eventstore/options.ts'
import { LostEventsError } from '../../../../src/embedded/eventstore/storage/log-end.ts'
import { acceptLoss, LOSS_EVENT_TYPE } from '../../../../src/embedded/eventstore/storage/loss.ts'
import { recordData, recordPosition, recordTypeBytes } from '../../../../src/embedded/eventstore/storage/record.ts'
import { EventStore } from '../../../../src/embedded/eventstore/storage/store.ts'
import { verifyStore } from '../../../../src/embedded/eventstore/verification.ts'
import { temporaryDirectory } from '../support/node.ts'

const EVENTS = 100

let directory: { path: string; remove: () => void }
let data: string
beforeEach(() => {
  directory = temporaryDirectory(true)
  data = join(directory.path, 'data')
})
afterEach(() => directory.remove())

function open(notices: string[] = []): EventStore {
  const onNotice = (notice: string) => notices.push(notice)
  return new EventStore({ ...DEFAULT_LIMITS, segmentBytes: 8 * 1024, directory: data, onNotice })
}

async function append(store: EventStore, text: string): Promise<number> {
  const id = Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex')
  const event = { id, type: 'test.Lost.v1', json: true, data: Buffer.from(text), customMetadata: Buffer.alloc(0) }
  const write = { stream: 'a', expected: 'any', operation: 'append', events: [event], deadlineMs: undefined } as const
  const outcome = await store.write(write)
  if (outcome.kind !== 'written') throw new Error(outcome.kind)
  return outcome.position!
}

/** A log in several files. Returns its end. */
async function fill(): Promise<number> {
  const store = open()
  for (let number = 0; number < EVENTS; number++) await append(store, `${number}`)
  const end = store.log.end()
  await store.close()
  return end
}

const files = () => readdirSync(data).filter((name) => name.endsWith('.seg'))
const lastFile = () => join(data, files().at(-1)!)

const deleteFiles = () => {
  for (const name of files()) rmSync(join(data, name))
}
const removeIndex = () => {
  for (const name of readdirSync(data)) if (name.startsWith('index.db')) rmSync(join(data, name))
}
const removeRecord = () => rmSync(join(data, 'log-end'))

const losses: Array<[string, () => void]> = [
  ['the last file is cut in the middle', () => truncateSync(lastFile(), 700)],
  ['the last file is cut at its header', () => truncateSync(lastFile(), 32)],
  ['the last file is cut inside its header', () => truncateSync(lastFile(), 20)],
  ['the last file is empty', () => truncateSync(lastFile(), 0)],
  ['the last file is deleted', () => rmSync(lastFile())],
  ['all files are deleted', () => deleteFiles()],
]
const witnesses: Array<[string, () => void]> = [
  ['the index and the record of the end say so', () => undefined],
  ['the record of the end says so', removeIndex],
  ['the index says so', removeRecord],
]

describe.each(losses)('%s', (_, lose) => {
  test.each(witnesses)('the node does not start, as %s', async (_, leave) => {
    const end = await fill()
    lose()
    leave()
    const left = files().map((name) => [name, readFileSync(join(data, name))])
    expect(() => open()).toThrow(LostEventsError)
    expect(() => open()).toThrow(`events up to position ${end} were acknowledged`)
    expect(files().map((name) => [name, readFileSync(join(data, name))])).toEqual(left)
    expect(verifyStore(data)).toMatchObject({ ok: false, lost: { to: end } })
  })

  test('after the loss was accepted it starts with what is left, tells the loss, and gives out no position twice', async () => {
    const end = await fill()
    lose()
    const loss = acceptLoss(data, () => undefined)
    expect(loss.to).toBe(end)
    const store = open()
    const left = [...store.streams.read('a', 0, EVENTS, false)].flat()
    expect(left.map((record) => recordData(record).toString())).toEqual(left.map((_, number) => `${number}`))
    expect(left.length).toBeLessThan(EVENTS)
    for (const record of left) expect(recordPosition(record)).toBeLessThan(loss.from)
    const [told] = [...store.streams.read(loss.stream, 0, 1, false)].flat()
    expect(recordTypeBytes(told!).toString()).toBe(LOSS_EVENT_TYPE)
    expect(JSON.parse(recordData(told!).toString())).toMatchObject({
      lostFrom: String(loss.from),
      lostTo: String(end),
    })
    expect(await append(store, 'new')).toBeGreaterThan(end)
    // A subscriber that has seen lost events reads on behind them.
    expect(await store.alignForwards(end - 1)).toBe(recordPosition(told!))
    await store.close()
    expect(verifyStore(data)).toMatchObject({ ok: true, lost: undefined })
    const again = open()
    expect([...again.streams.read('a', 0, EVENTS, false)].flat()).toHaveLength(left.length + 1)
    await again.close()
  })
})

test('a loss that is no loss is not accepted', async () => {
  await fill()
  expect(() => acceptLoss(data, () => undefined)).toThrow(/nothing is lost/)
  expect(verifyStore(data).ok).toBe(true)
})

test('a directory from before the log had a record of its end gets one, and then tells a loss without the index', async () => {
  await fill()
  removeRecord()
  const store = open()
  await store.close()
  removeIndex()
  truncateSync(lastFile(), 700)
  expect(() => open()).toThrow(LostEventsError)
})

test('a record of the end that cannot be read is told and written anew', async () => {
  await fill()
  writeFileSync(join(data, 'log-end'), 'nothing that was ever written there')
  const notices: string[] = []
  await open(notices).close()
  expect(notices.join()).toMatch(/log-end cannot be read/)
  notices.length = 0
  await open(notices).close()
  expect(notices).toEqual([])
})

test('a node that is killed has told the record of its end all that it has acknowledged', async () => {
  const store = open()
  for (let number = 0; number < EVENTS; number++) await append(store, `${number}`)
  const copy = join(directory.path, 'killed')
  cpSync(data, copy, { recursive: true })
  const end = store.log.end()
  await store.close()
  data = copy
  removeIndex()
  truncateSync(lastFile(), 700)
  expect(() => open()).toThrow(`events up to position ${end} were acknowledged`)
})
