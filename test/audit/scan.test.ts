/** A read of the log that takes long leaves the process to others in between, however few its events are. */
import { expect, test } from 'vitest'
import type { RawEvent } from '../../src/audit/raw-log.ts'
import { createBudget, walk } from '../../src/audit/scan.ts'

const EVENTS = 20
/** More than a read may take at a time. */
const EVENT_MS = 2

async function* readAll(): AsyncGenerator<RawEvent> {
  for (let position = 1n; position <= EVENTS; position++) yield { position } as RawEvent
}

function work(): void {
  const endsMs = performance.now() + EVENT_MS
  while (performance.now() < endsMs);
}

test('others have a turn behind each event that takes long', async () => {
  let turns = 0
  let isOver = false
  const count = () => {
    turns += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const budget = createBudget({ eventsMax: 1_000, timeMaxMs: 60_000 })
  const { isFinished } = await walk({ readAll }, {}, budget, work)
  isOver = true
  expect(isFinished).toBe(true)
  expect(turns).toBeGreaterThanOrEqual(EVENTS - 1)
})
