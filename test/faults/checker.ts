/**
 * What must hold after every fault: one event set per command id, the engine's log with each command once and the same
 * as ours, balances that are the sums of their ledgers, read models that a rebuild would make again, hash chains that
 * verify, and in the clients' histories every *ok* present and every *failed* absent. Says what contradicts what.
 */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { EventStoreDBClient } from '@eventstore/db-client'
import { Decimal } from 'decimal.js'
import { chainHash } from '../../src/events/store.ts'
import { runCli } from '../support/cli.ts'
import type { House } from './house.ts'
import { type Call, type History, insist } from './workload.ts'

const INITIAL_BALANCE = 100_000

/** The contradictions found; none where all is well. The house must be at rest, with all roles up. */
export async function contradictions(house: House, history: History): Promise<string[]> {
  const found = await logContradictions(house)
  for (const call of history) found.push(...(await callContradictions(house, call)))
  for (const { id } of history.filter(({ what, outcome }) => what === 'account' && outcome === 'ok')) {
    found.push(...(await bookContradictions(house, id)))
  }
  const environment = { EVENTSTORE_URL: house.eventStoreUrl, DATABASE_URL: house.databaseUrl }
  const verified = await runCli(['projections', 'verify', '--all'], environment)
  if (verified.exitCode !== 0)
    found.push(`a rebuild differs from the live tables:\n${verified.stdout}${verified.stderr}`)
  return found
}

/** The log by itself, and beside the engine's. */
async function logContradictions(house: House): Promise<string[]> {
  const found: string[] = []
  const ids = new Set<string>()
  /** `stream command` → the last revision of its event set. */
  const sets = new Map<string, bigint>()
  const chains = new Map<string, string>()
  const decisions = new Map<string, number>()
  const engineEvents = new Map<string, string[]>()
  const client = EventStoreDBClient.connectionString(house.eventStoreUrl)
  for await (const { event } of client.readAll()) {
    if (!event || event.type.startsWith('$') || event.streamId === 'opslog.heartbeat-log') continue
    const { streamId: stream, revision } = event
    const at = `${stream}@${revision} ${event.type}`
    if (ids.has(event.id)) found.push(`${at}: event id ${event.id} stands in the log twice`)
    ids.add(event.id)

    const { hash, ...unsealed } = event.metadata as { hash: string; prevHash: string; commandId: string; actor: object }
    if (unsealed.prevHash !== (chains.get(stream) ?? ''))
      found.push(`${at}: its prevHash is not its predecessor's hash`)
    const sealed = chainHash(unsealed.prevHash, event.type, JSON.stringify(event.data), JSON.stringify(unsealed))
    if (sealed !== hash) found.push(`${at}: its hash is not that of its bytes`)
    chains.set(stream, hash)

    const data = event.data as { commandId?: string }
    if (stream.startsWith('noctant.engine-')) {
      const accountId = stream.slice('noctant.engine-'.length)
      engineEvents.set(accountId, [...(engineEvents.get(accountId) ?? []), event.id])
    }
    if (event.type === 'noctant.EngineCommandDecided.v1' && data.commandId) {
      decisions.set(data.commandId, (decisions.get(data.commandId) ?? 0) + 1)
    }
    if ((unsealed.actor as { kind: string }).kind !== 'operator') continue
    const set = `${stream} ${unsealed.commandId}`
    const last = sets.get(set)
    if (last !== undefined && last !== revision - 1n)
      found.push(`${at}: a second event set of command ${unsealed.commandId}`)
    sets.set(set, revision)
  }
  await client.dispose()
  for (const [id, times] of decisions) if (times > 1) found.push(`command ${id} was decided ${times} times`)
  return [...found, ...engineContradictions(house, engineEvents)]
}

/** The engine's own log, read from its file, must be what was taken over, event for event. */
function engineContradictions(house: House, taken: ReadonlyMap<string, string[]>): string[] {
  const database = new DatabaseSync(join(house.engineDirectory, 'engine.db'), { readOnly: true })
  try {
    const rows = database
      .prepare('SELECT account_id, event_id FROM log JOIN accounts USING (account) ORDER BY log.account, log.sequence')
      .all() as { account_id: string; event_id: string }[]
    const written = Map.groupBy(rows, ({ account_id }) => account_id)
    return [...new Set([...written.keys(), ...taken.keys()])].flatMap((accountId) => {
      const engine = (written.get(accountId) ?? []).map(({ event_id }) => event_id)
      const ours = taken.get(accountId) ?? []
      if (ours.join() === engine.join()) return []
      return [
        `account ${accountId}: the engine's log has ${engine.length} events, ours ${ours.length}, and they differ`,
      ]
    })
  } finally {
    database.close()
  }
}

/** The commands that the engine has decided and told the stream of. */
export function publishedDecisions(house: House): string[] {
  const database = new DatabaseSync(join(house.engineDirectory, 'engine.db'), { readOnly: true })
  try {
    const rows = database
      .prepare(
        `SELECT key FROM inbox JOIN log ON log.account = inbox.account AND log.sequence = inbox.last_sequence
         WHERE log.position <= (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'published_position')`,
      )
      .all()
    return rows.map(({ key }) => String(key))
  } finally {
    database.close()
  }
}

async function callContradictions(house: House, { what, id, externalAccountId, outcome }: Call): Promise<string[]> {
  if (outcome === 'unknown') return []
  const path = {
    user: `/users?external_id=${id}`,
    account: `/accounts/by-external-id?external_account_id=${id}`,
    'close-all': `/accounts/by-external-id/commands/${id}?external_account_id=${externalAccountId}`,
  }[what]
  const { status, body } = await insist(house, 'GET', path)
  if (outcome === 'failed') return status === 404 ? [] : [`${what} ${id} was refused, and is there: ${status}`]
  if (status !== 200) return [`${what} ${id} was answered with success, and is not there: ${status}`]
  if (what !== 'close-all' || body.command.status === 'engine_wal_confirmed') return []
  return [`${what} ${id} was accepted, and stands at ${body.command.status}`]
}

async function bookContradictions(house: House, externalAccountId: string): Promise<string[]> {
  const read = (of: string) =>
    insist(house, 'GET', `/accounts/by-external-id/${of}external_account_id=${externalAccountId}`)
  const [summary, trades] = await Promise.all([read('summary?'), read('trades?limit=200&')])
  const results = trades.body.trades as { net_pnl: string }[]
  const sum = results.reduce((total, { net_pnl }) => total.add(net_pnl), new Decimal(INITIAL_BALANCE))
  const { balance } = summary.body.summary
  return sum.equals(balance)
    ? []
    : [`account ${externalAccountId}: balance ${balance}, sum of its ledger ${sum.toFixed(2)}`]
}
