/** The test run's backing services, as its global setup started them, and temporary directories. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { inject } from 'vitest'
import type {} from './global-setup.ts'

export interface TestDatabase {
  /** Connection URL of a database that nobody else uses, empty at first. */
  url: string
  /** Removes it, together with connections left open. */
  drop(): Promise<void>
}

/** A fresh database on the run's PostgreSQL, for one test file or one stack: empty, or as the one of this URL is. */
export async function createDatabase(template?: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`
  const like = template === undefined ? '' : ` TEMPLATE ${new URL(template).pathname.slice(1)}`
  await onMaintenanceDatabase(`CREATE DATABASE ${name}${like}`)
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${name}`
  return { url: url.href, drop: () => onMaintenanceDatabase(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

/** URL of the run's NATS server with JetStream; undefined where this machine has no nats-server. */
export function natsUrl(): string | undefined {
  return inject('natsUrl')
}

/** Path of the nats-server program, for tests that run one of their own. */
export function natsBinary(): string | undefined {
  return inject('natsBinary')
}

/** Path of Chromium; undefined where this machine has none. */
export function chromiumBinary(): string | undefined {
  return inject('chromiumBinary')
}

export interface TemporaryDirectory {
  path: string
  remove(): void
}

/** An empty directory; the caller removes it when its services have stopped, and the run's end what was forgotten. */
export function temporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(inject('runDirectory'), 'directory-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

async function onMaintenanceDatabase(statement: string): Promise<void> {
  const client = new Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
