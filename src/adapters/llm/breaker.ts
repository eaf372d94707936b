/**
 * Which keys of providers are not called for a while, because calls with them failed one after the other. The state is in memory;
 * what changes is told, so that it can be recorded and followed elsewhere.
 */

export interface BreakerSettings {
  /** Failures in a row that open the circuit; 0: they are not counted. */
  failureThreshold: number
  /** How long it stays open before one call may try. */
  recoveryTimeoutMs: number
  /** Each failed try doubles the wait, up to this. */
  maxRecoveryTimeoutMs: number
}

export type CircuitState = 'closed' | 'open' | 'half_open'

export interface Transition {
  key: string
  state: CircuitState
  /** Unix time in milliseconds. */
  atMs: number
  /** How long it stays open; 0 unless it opens. */
  waitMs: number
  /** In a row, so far. */
  failures: number
}

/** `probe`: the one call that may try; whoever is given it reports how it went. */
export type Admission = 'closed' | 'probe' | 'open'

export interface Breaker {
  admit(key: string): Admission
  /** Milliseconds until a call may try again; 0: one may now. */
  waitMs(key: string): number
  succeeded(key: string): void
  /** A stream has begun, which tells of a probe; whether it counts as a failure is known at its end. */
  began(key: string): void
  /** A 5xx, a timeout, a network error, or a key that the provider does not take. */
  failed(key: string, settings: BreakerSettings): void
  /** The call ended in a way that says nothing about the provider: its probe, if it was one, is free again. */
  released(key: string): void
  stateOf(key: string): CircuitState
  /** Takes over what another process saw. */
  follow(transition: Transition): void
  /** Its secret or its address may be another one now: the next call tries. */
  renewed(key: string): void
}

interface Circuit {
  state: CircuitState
  failures: number
  openedAtMs: number
  waitMs: number
}

/** 24 days: what is open for longer is so for good, and read models keep milliseconds in 32 bits. */
const WAIT_MAX_MS = 2_073_600_000

export function createBreaker(nowMs: () => number, onTransition: (transition: Transition) => void): Breaker {
  /** Only keys with failures are in it. */
  const circuits = new Map<string, Circuit>()

  function change(key: string, circuit: Circuit, state: CircuitState): void {
    circuit.state = state
    const { waitMs, failures } = circuit
    onTransition({ key, state, atMs: nowMs(), waitMs: state === 'open' ? waitMs : 0, failures })
  }

  function open(key: string, circuit: Circuit, waitMs: number): void {
    circuit.openedAtMs = nowMs()
    circuit.waitMs = Math.min(waitMs, WAIT_MAX_MS)
    change(key, circuit, 'open')
  }

  function succeeded(key: string): void {
    const circuit = circuits.get(key)
    if (!circuit) return
    circuits.delete(key)
    if (circuit.state !== 'closed') change(key, circuit, 'closed')
  }

  return {
    admit(key) {
      const circuit = circuits.get(key)
      if (!circuit || circuit.state === 'closed') return 'closed'
      // A probe is under way. One that never reports is given up after another wait.
      const isOver = nowMs() - circuit.openedAtMs >= circuit.waitMs
      if (!isOver) return 'open'
      circuit.openedAtMs = nowMs()
      if (circuit.state === 'open') change(key, circuit, 'half_open')
      return 'probe'
    },
    waitMs(key) {
      const circuit = circuits.get(key)
      return circuit && circuit.state !== 'closed' ? Math.max(0, circuit.openedAtMs + circuit.waitMs - nowMs()) : 0
    },
    succeeded,
    began(key) {
      if (circuits.get(key)?.state === 'half_open') succeeded(key)
    },
    failed(key, { failureThreshold, recoveryTimeoutMs, maxRecoveryTimeoutMs }) {
      const circuit = circuits.get(key) ?? { state: 'closed', failures: 0, openedAtMs: 0, waitMs: 0 }
      if (circuit.state === 'half_open') {
        circuit.failures += 1
        open(key, circuit, Math.min(circuit.waitMs * 2, maxRecoveryTimeoutMs))
      } else if (circuit.state === 'closed' && failureThreshold > 0) {
        circuits.set(key, circuit)
        circuit.failures += 1
        if (circuit.failures >= failureThreshold) open(key, circuit, Math.min(recoveryTimeoutMs, maxRecoveryTimeoutMs))
      }
    },
    released(key) {
      const circuit = circuits.get(key)
      if (circuit?.state === 'half_open') circuit.openedAtMs = nowMs() - circuit.waitMs
    },
    stateOf: (key) => circuits.get(key)?.state ?? 'closed',
    follow({ key, state, atMs, waitMs, failures }) {
      if (state === 'closed') circuits.delete(key)
      else {
        const before = circuits.get(key)
        circuits.set(key, {
          state,
          failures: Math.max(failures, before?.failures ?? 0),
          openedAtMs: atMs,
          waitMs: waitMs || (before?.waitMs ?? 0),
        })
      }
    },
    renewed(key) {
      const circuit = circuits.get(key)
      if (circuit?.state === 'open') circuit.openedAtMs = nowMs() - circuit.waitMs
    },
  }
}
