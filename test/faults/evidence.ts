/** What the checker judges by: everything that is on record, read from where it is kept, past all of our own caches. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import { openRawLog, type RawEvent } from '../../src/audit/raw-log.ts'
import { HEARTBEAT } from '../../src/events/registry.ts'
import { registry } from '../support/contexts.ts'
import type { House } from './house.ts'

/** An event with its bytes, and what these say. */
export interface Evident extends RawEvent {
  content: Record<string, unknown>
  about: { commandId?: string; requestId?: string; fingerprint?: string; actor?: { kind: string } }
}

export interface WalEvent {
  accountId: string
  eventId: string
  /** As the engine's contract names it: `CommandDecided`. */
  type: string
  commandId: string | null
}

/** A row of an attempt to deliver a webhook. */
export interface AttemptRow {
  delivery_row_id: string
  operator_id: string
  event_id: string
  attempt_number: number
  status: string
}

export interface Evidence {
  /** The whole log, in its order. */
  log: Evident[]
  /** The engine's own log, by account and sequence. */
  wal: WalEvent[]
  attempts: AttemptRow[]
}

export async function gather(house: House): Promise<Evidence> {
  const raw = openRawLog(house.eventStoreUrl, registry)
  const log: Evident[] = []
  try {
    for await (const event of raw.readAll()) if (event.type !== HEARTBEAT) log.push(evident(event))
  } finally {
    await raw.close()
  }
  return { log, wal: readWal(house), attempts: await readAttempts(house) }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8')

/** What is not JSON any more has no content; its chain tells of it. */
function evident(event: RawEvent): Evident {
  const parsed = (bytes: Uint8Array) => {
    try {
      return JSON.parse(textOf(bytes))
    } catch (error) {
      if (error instanceof SyntaxError) return {}
      throw error
    }
  }
  return { ...event, content: parsed(event.data), about: parsed(event.metadata) }
}

/** Works on the engine's log with what `work` does there, and closes it. */
export function onEngineLog<T>(house: House, options: { readOnly: boolean }, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(join(house.engineDirectory, 'engine.db'), options)
  try {
    return work(database)
  } finally {
    database.close()
  }
}

function readWal(house: House): WalEvent[] {
  const rows = onEngineLog(house, { readOnly: true }, (database) =>
    database
      .prepare(
        'SELECT account_id, event_id, body FROM log JOIN accounts USING (account) ORDER BY log.account, log.sequence',
      )
      .all(),
  )
  return rows.map(({ account_id, event_id, body }) => {
    const { type, commandId } = JSON.parse(String(body)) as { type: string; commandId: string | null }
    return { accountId: String(account_id), eventId: String(event_id), type, commandId }
  })
}

async function readAttempts(house: House): Promise<AttemptRow[]> {
  return onDatabase(house, async (client) => (await client.query('SELECT * FROM noctant_webhook_deliveries')).rows)
}

export async function onDatabase<T>(house: House, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: house.databaseUrl })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
