/** Spans of what the engine confirms: told beside the confirmation, which waits for none of it. */
import { afterEach, expect, it, vi } from 'vitest'
import { type EventStore, StoreUnavailable } from '../../../src/events/store.ts'
import type { Log } from '../../../src/log.ts'
import { createCommandTraces } from '../../../src/processes/noctant/command-traces.ts'
import { useTracer } from '../../../src/telemetry.ts'

const SAMPLED = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

function traced() {
  const spans: string[] = []
  useTracer({
    span: (name, _, work) => {
      spans.push(name)
      return work({ isRecorded: true, set: () => undefined, rename: () => undefined })
    },
    traceparent: () => undefined,
    logFields: () => ({}),
    addFigures: () => undefined,
    close: async () => undefined,
  })
  const warn = vi.fn()
  const store: Pick<EventStore, 'readStream'> = {
    // biome-ignore lint/correctness/useYield: a store that is away gives nothing.
    readStream: async function* () {
      throw new StoreUnavailable('the store is away')
    },
  }
  return { spans, warn, traces: createCommandTraces(store, (id) => `s-${id}`, { warn } as unknown as Log) }
}
afterEach(() => useTracer(undefined))

it('a confirmation whose trace cannot be read goes on without a span, and the log says so', async () => {
  const { spans, warn, traces } = traced()
  await expect(traces.confirmed('c-1', 'applied')).resolves.toBeUndefined()
  expect(spans).toEqual([])
  expect(warn).toHaveBeenCalledWith(expect.objectContaining({ commandId: 'c-1' }), expect.any(String))
})

it('one whose command this process has sent is told within its trace', async () => {
  const { spans, warn, traces } = traced()
  traces.sent('c-2', { traceparent: SAMPLED, acceptedAt: '2026-11-30T09:00:00.000Z' })
  await traces.confirmed('c-2', 'applied')
  expect([spans, warn.mock.calls]).toEqual([['engine confirmed'], []])
})
