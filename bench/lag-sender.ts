/**
 * The sender of the lag suite, in a process of its own so that neither side waits in the other's event loop: keeps
 * acknowledgements coming, hears at Postgres of every commit of the projector, and tells for each acknowledged event how
 * long its row took to be committed from there. Both are seen with one clock.
 */
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { Client } from 'pg'
import { Agent } from 'undici'
import { loadConfig } from '../src/config.ts'
import { POSITION_HEADER } from '../src/http/consistency.ts'
import { createSealer } from '../src/http/cursor.ts'
import { checkpointChannel, projectionsCheckpoint } from '../src/projections/checkpoint.ts'
import { ensureSealingKey } from '../src/vault/secrets-key.ts'
import { answerParent } from './child.ts'

export type LagOrder = {
  eventStoreUrl: string
  postgresUrl: string
  apiUrl: string
  apiKey: string
  /** The instance's data, whose key seals positions. */
  directory: string
  seconds: number
} & ({ kind: 'paced'; perSecond: number } | { kind: 'saturated'; connections: number })

export interface LagRound {
  perSecond: number
  latenciesMs: number[]
}

/** For the last commits after the last acknowledgement. */
const DRAIN_MAX_MS = 30_000

answerParent((order: LagOrder) => measure(order, order.kind === 'paced' ? pacedAppends : commands))

async function measure(
  order: LagOrder,
  work: (order: LagOrder, acknowledged: (position: bigint) => void) => Promise<void>,
): Promise<LagRound> {
  const waiting: { position: bigint; atMs: number }[] = []
  const latenciesMs: number[] = []
  let committed = 0n
  const drained = Promise.withResolvers<void>()
  let ended = false
  const listener = new Client({ connectionString: order.postgresUrl })
  await listener.connect()
  listener.on('notification', ({ payload }) => {
    committed = BigInt(payload ?? 0)
    const nowMs = performance.now()
    for (let index = waiting.length - 1; index >= 0; index--) {
      const { position, atMs } = waiting[index]!
      if (position > committed) continue
      latenciesMs.push(nowMs - atMs)
      waiting.splice(index, 1)
    }
    if (ended && waiting.length === 0) drained.resolve()
  })
  await listener.query(`LISTEN ${checkpointChannel(projectionsCheckpoint('noctant'))}`)
  const startedMs = performance.now()
  await work(order, (position) => {
    // The commit may be heard of before the answer.
    if (position <= committed) latenciesMs.push(0)
    else waiting.push({ position, atMs: performance.now() })
  })
  const perSecond = (latenciesMs.length + waiting.length) / ((performance.now() - startedMs) / 1_000)
  ended = true
  if (waiting.length === 0) drained.resolve()
  const late = setTimeout(
    () => drained.reject(new Error(`${waiting.length} events were not projected within ${DRAIN_MAX_MS} ms`)),
    DRAIN_MAX_MS,
  )
  await drained.promise
  clearTimeout(late)
  await listener.end()
  return { perSecond, latenciesMs }
}

/** New users, appended on schedule whatever the answers do. */
async function pacedAppends(order: LagOrder, acknowledged: (position: bigint) => void): Promise<void> {
  if (order.kind !== 'paced') return
  const client = EventStoreDBClient.connectionString(order.eventStoreUrl)
  const inFlight = new Set<Promise<void>>()
  const startedMs = performance.now()
  const events = Math.round(order.perSecond * order.seconds)
  for (let sent = 0; sent < events; ) {
    const due = Math.min(events, Math.floor(((performance.now() - startedMs) / 1_000) * order.perSecond))
    for (; sent < due; sent++) {
      const appended = append(client, acknowledged).finally(() => inFlight.delete(appended))
      inFlight.add(appended)
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(inFlight)
  await client.dispose()
}

/** One operator's users: who follows the log keeps what it knows of an operator. */
const OPERATOR_ID = crypto.randomUUID()

async function append(client: EventStoreDBClient, acknowledged: (position: bigint) => void): Promise<void> {
  const globalUserId = crypto.randomUUID()
  const ids = { operatorId: OPERATOR_ID, orgId: OPERATOR_ID }
  const facts = { globalUserId, ...ids, externalId: globalUserId, email: null, displayName: null }
  const hash = 'a'.repeat(64)
  const commandId = crypto.randomUUID()
  const actor = { kind: 'operator', id: globalUserId, keyId: 'abcdefghijklmnop' }
  const cause = { $correlationId: commandId, $causationId: commandId, requestId: commandId, commandId, actor }
  const event = jsonEvent({
    type: 'noctant.UserProvisioned.v1',
    data: { ...facts, occurredAt: new Date().toISOString() },
    metadata: { ...cause, prevHash: '', hash },
  })
  const { position } = await client.appendToStream(`noctant.user-${globalUserId}`, event, {
    expectedRevision: NO_STREAM,
  })
  acknowledged(position?.commit ?? 0n)
}

/** Updates of users over HTTP, as many as the instance takes; their answers say where they stand in the log. */
async function commands(order: LagOrder, acknowledged: (position: bigint) => void): Promise<void> {
  if (order.kind !== 'saturated') return
  const agent = new Agent({ connections: order.connections })
  const sealingKey = ensureSealingKey(loadConfig({ DATA_DIR: order.directory }))
  const sealer = createSealer(() => [sealingKey])
  const headers = { authorization: `Bearer ${order.apiKey}`, 'content-type': 'application/json' }
  const endsMs = performance.now() + order.seconds * 1_000
  const connection = async (_: unknown, index: number) => {
    for (let turn = 0; performance.now() < endsMs; turn++) {
      const body = JSON.stringify({ external_id: `lag-${index}`, display_name: `turn ${turn} of ${endsMs}` })
      const to = { origin: order.apiUrl, path: '/noctant/v1/users', method: 'POST', headers, body } as const
      const answer = await agent.request(to)
      const text = await answer.body.text()
      if (answer.statusCode > 201) throw new Error(`POST /users answered ${answer.statusCode}: ${text}`)
      acknowledged(sealer.openPosition(String(answer.headers[POSITION_HEADER])) ?? 0n)
    }
  }
  await Promise.all(Array.from({ length: order.connections }, connection))
  await agent.close()
}
