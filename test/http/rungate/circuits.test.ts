/** Circuits of two processes whose own clocks are an hour apart: both go by the installation's. */
import { afterEach, expect, it, vi } from 'vitest'
import type { CommandBus } from '../../../src/commands/handle.ts'
import { createCircuits } from '../../../src/http/rungate/proxy/circuits.ts'
import { uuidOf } from '../../support/examples.ts'

const keyId = uuidOf('provider key')
const now = new Date('2026-03-02T09:00:00.000Z')
const settings = { failureThreshold: 1, recoveryTimeoutMs: 30_000, maxRecoveryTimeoutMs: 60_000 }

afterEach(() => void vi.useRealTimers())

// Seen to fail with each process going by its own clock: the other one leaves the key alone for an hour and half a minute.
it.each([-3_600_000, 3_600_000])(
  'open and close at the right time, whatever a process’s clock says: %i ms',
  (offMs) => {
    let clock = now
    const told: { occurredAt: string; kind: string; waitMs: number; failures: number }[] = []
    const bus = { handle: async (_: unknown, __: string, command: never) => void told.push(command) }
    const circuitsOf = (processId: string) => {
      const circuits = createCircuits()
      const owner = { accountId: uuidOf('account'), provider: 'openai' }
      const parts = { bus: bus as unknown as CommandBus, log: { warn: () => undefined }, ownerOf: () => owner }
      circuits.recordWith({ ...parts, processId, clock: () => clock })
      return circuits
    }
    vi.useFakeTimers({ toFake: ['Date'], now: now.getTime() + offMs })
    const [here, there] = [circuitsOf(uuidOf('one')), circuitsOf(uuidOf('another'))]
    here.breaker.failed(keyId, settings)
    expect(told).toMatchObject([{ kind: 'open', occurredAt: now.toISOString() }])
    const { waitMs, failures, occurredAt } = told[0]!
    there.breaker.follow({ key: keyId, state: 'open', atMs: Date.parse(occurredAt), waitMs, failures })
    expect([here, there].map(({ breaker }) => breaker.stateOf(keyId))).toStrictEqual(['open', 'open'])
    clock = new Date(now.getTime() + 30_000)
    expect([here, there].map(({ breaker }) => breaker.admit(keyId))).toStrictEqual(['probe', 'probe'])
  },
)

it.each(['rungate.ProviderKeyRotated.v1', 'rungate.ProviderKeyChanged.v1'])('are tried at once after %s', (type) => {
  const { breaker, apply } = createCircuits()
  breaker.failed(keyId, settings)
  breaker.failed('another', settings)
  apply([{ type, data: { keyId } }] as never)
  expect([keyId, keyId, 'another'].map((key) => breaker.admit(key))).toStrictEqual(['probe', 'open', 'open'])
})
