/**
 * Before anything of ours is started: the services that the environment names are looked at. What cannot work ends the
 * start with a sentence; what may still come, as a server that is being started does, is waited for, and that is said.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Config, Role } from '../config.ts'
import { checkEventStore } from '../eventstore/preflight.ts'
import { checkNats } from '../gateway/preflight.ts'
import { checkPostgres } from '../postgres/preflight.ts'
import type { Finding } from '../runtime/finding.ts'
import { InvalidConfiguration } from '../runtime/invalid-configuration.ts'

/** A service that the environment names cannot be used. The message names the variable, what came back, and a way on. */
export class ServiceUnusable extends Error {
  override name = 'ServiceUnusable'
}

const SERVICE_URLS = ['EVENTSTORE_URL', 'DATABASE_URL', 'NATS_URL'] as const
type ServiceUrl = (typeof SERVICE_URLS)[number]

/** Without these in one process, others have to reach what they write and read. */
const ROLES_OF_ONE_PROCESS: readonly Role[] = ['api', 'projector', 'relay']

/** Throws InvalidConfiguration where roles would work on private services that no other process reaches. */
export function refuseRolesApart(config: Config): void {
  if (ROLES_OF_ONE_PROCESS.every((role) => config.ROLES.includes(role))) return
  const missing = SERVICE_URLS.filter((name) => config[name] === undefined)
  if (missing.length === 0) return
  throw new InvalidConfiguration(
    `ROLES=${config.ROLES.join(',')} leaves roles to other processes, which have to reach the same services: ` +
      `set ${SERVICE_URLS.join(', ')} (unset: ${missing.join(', ')}), or run all roles in one process.`,
  )
}

/** For one step of a look at a service: a connection, a question. */
const STEP_MAX_MS = 1_500
const BETWEEN_LOOKS_MS = 500

/**
 * Resolves when the services that the environment names can be used. One that is absent is waited for, START_WAIT_MAX_MS
 * at most, and `say` is told at once; NATS is not waited for, since commands wait for it later. Throws ServiceUnusable.
 */
export async function checkGivenServices(config: Config, say: (text: string) => void): Promise<void> {
  const { EVENTSTORE_URL, DATABASE_URL, NATS_URL } = config
  const ended = new AbortController()
  const needsStores = config.ROLES.some((role) => role !== 'engine')
  const look = (name: ServiceUrl, check: () => Promise<Finding>) =>
    comesUp(name, check, { waitMaxMs: config.START_WAIT_MAX_MS, say, signal: ended.signal })
  try {
    await Promise.all([
      EVENTSTORE_URL && needsStores
        ? look('EVENTSTORE_URL', () => checkEventStore(EVENTSTORE_URL, STEP_MAX_MS))
        : undefined,
      DATABASE_URL && needsStores ? look('DATABASE_URL', () => checkPostgres(DATABASE_URL, STEP_MAX_MS)) : undefined,
      NATS_URL ? checkNats(NATS_URL, STEP_MAX_MS).then((found) => refuseUnusable('NATS_URL', found)) : undefined,
    ])
  } finally {
    ended.abort()
  }
}

interface Waiting {
  waitMaxMs: number
  say: (text: string) => void
  /** Nobody waits any more. */
  signal: AbortSignal
}

async function comesUp(name: ServiceUrl, check: () => Promise<Finding>, { waitMaxMs, say, signal }: Waiting) {
  const deadlineMs = performance.now() + waitMaxMs
  for (let looks = 1; !signal.aborted; looks++) {
    const found = await check()
    refuseUnusable(name, found)
    if (found.kind === 'serves') return
    if (performance.now() > deadlineMs) {
      throw new ServiceUnusable(
        `${name}: ${found.what}, for ${waitMaxMs / 1_000} s by now (START_WAIT_MAX_MS). Start the service, or correct the address.`,
      )
    }
    if (looks === 1 && !signal.aborted) {
      say(`Waiting for ${name}, up to ${waitMaxMs / 1_000} s: ${found.what}`)
    }
    await delay(BETWEEN_LOOKS_MS, undefined, { signal }).catch(() => undefined)
  }
}

function refuseUnusable(name: ServiceUrl, found: Finding): void {
  if (found.kind === 'unusable') throw new ServiceUnusable(`${name}: ${found.what}`)
}
