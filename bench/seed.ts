/**
 * Data directories with a history: users and their accounts as the commands would have recorded them, chained and all,
 * written in bulk straight into the event store's files, and the read models of it made by the real rebuild. An instance
 * that is started on the directory goes on from there, with the sandbox operator as the owner of everything. Users have
 * names, sealed with keys that the vault has, where there is a vault.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { Client } from 'pg'
import { deterministicId } from '../src/commands/identity.ts'
import { programAccountIdOf } from '../src/commands/noctant/account.ts'
import { generateApiKey } from '../src/commands/noctant/api-key.ts'
import { loadConfig } from '../src/config.ts'
import { DEFAULT_LIMITS } from '../src/embedded/eventstore/options.ts'
import { startEventStoreThread } from '../src/embedded/eventstore/start.ts'
import { EventStore } from '../src/embedded/eventstore/storage/store.ts'
import { startPostgres } from '../src/embedded/postgres.ts'
import { chained } from '../src/events/chain.ts'
import type { Cause } from '../src/events/event.ts'
import { type PersonKeys, sealEvents } from '../src/events/sealing.ts'
import { createEventStore } from '../src/events/store.ts'
import { readHistory } from '../src/events/subscription.ts'
import { createDatabase, type ReadModels } from '../src/postgres/database.ts'
import { commit, projectionsCheckpoint } from '../src/projections/checkpoint.ts'
import { rebuild } from '../src/projections/rebuild/rebuild.ts'
import { prepareSchema } from '../src/projections/schema.ts'
import { ensureSealingKey } from '../src/vault/secrets-key.ts'
import { createVault, prepareVault, type Vault } from '../src/vault/vault.ts'
import { contexts, registry } from '../test/support/contexts.ts'

export interface Seed {
  /** Named `a-0`, `a-1`, … */
  accounts: number
  /** Named `user-0`, `user-1`, …; account n is user n % users'. */
  users: number
  /** Events of each account after the one that opened it: disabled and enabled in turn. */
  changes: number
}

export const eventsOf = ({ accounts, users, changes }: Seed): number => users + accounts * (1 + changes)

/** Everything that an instance needs to go on from such a history. Answers when the event store and Postgres are closed. */
export async function seedDataDirectory(directory: string, seed: Seed): Promise<void> {
  const operatorId = randomUUID()
  const sandbox = { url: 'http://127.0.0.1', api_key: generateApiKey('sandbox').key, operator_id: operatorId }
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'sandbox-operator.json'), JSON.stringify(sandbox), { mode: 0o600 })
  const eventStore = join(directory, 'eventstore')
  const postgres = await startPostgres({ directory: join(directory, 'postgres') })
  try {
    await withVault(postgres.url, directory, seed.users, async (vault) => {
      await seedEventStore(eventStore, seed, operatorId, vault)
      const node = await startEventStoreThread({ directory: eventStore })
      await buildReadModels(node.url, postgres.url, vault).finally(() => node.close())
    })
  } finally {
    await postgres.stop()
  }
}

/** Keys that are made in one statement. */
const KEYS_AT_ONCE = 1_000

/** The vault that an instance on this directory will open. */
async function withVault(
  databaseUrl: string,
  directory: string,
  persons: number,
  work: (vault: Vault) => Promise<void>,
): Promise<void> {
  const sealingKey = ensureSealingKey(loadConfig({ DATA_DIR: directory }))
  const db = createDatabase({ url: databaseUrl, poolMax: 1, statementTimeoutMs: 0 })
  try {
    await prepareVault(db, sealingKey)
    await work(createVault({ db, sealingKey, cachedMax: Math.max(1, persons), log: console }))
  } finally {
    await db.destroy()
  }
}

/** Appends that wait for the disk together. */
const APPENDS_AT_ONCE = 4_000
/** Accounts are opened so many at a time, and then changed: no batch of a rebuild has two events of one account. */
const ACCOUNTS_IN_TURN = 20_000

/**
 * Writes the history into the files of an event store that nobody else uses meanwhile. Without `personKeys` users have no
 * names.
 */
export async function seedEventStore(
  directory: string,
  seed: Seed,
  operatorId: string,
  personKeys?: PersonKeys,
): Promise<void> {
  const userIds = Array.from({ length: seed.users }, (_, n) => deterministicId('noctant.user', operatorId, `user-${n}`))
  for (let n = 0; personKeys && n < userIds.length; n += KEYS_AT_ONCE) {
    await personKeys.ensure(userIds.slice(n, n + KEYS_AT_ONCE))
  }
  const onNotice = (notice: string) => process.stderr.write(`event store: ${notice}\n`)
  const store = new EventStore({ ...DEFAULT_LIMITS, directory, onNotice })
  const pending: Promise<void>[] = []
  for (const { stream, revision, type, data, prevHash } of history(
    seed,
    operatorId,
    userIds,
    personKeys !== undefined,
  )) {
    const id = randomUUID()
    const place = { id, stream, revision: BigInt(revision) }
    const event = { type, data }
    const [sealed] =
      registry.personOf(event) === undefined ? [{ event }] : await sealEvents([{ id, event }], personKeys, registry)
    const link = chained(prevHash.value, sealed!.event, causeOf(operatorId), place)
    prevHash.value = link.hash
    const expected = revision === 0 ? ('no_stream' as const) : BigInt(revision - 1)
    const bytes = { id: Buffer.from(id.replaceAll('-', ''), 'hex'), data: Buffer.from(link.data) }
    const stored = { ...bytes, type, json: true, customMetadata: Buffer.from(link.metadata) }
    const request = { stream, expected, operation: 'append' as const, events: [stored], deadlineMs: undefined }
    pending.push(
      store.write(request).then(({ kind }) => {
        if (kind !== 'written') throw new Error(`${stream} was not written: ${kind}`)
      }),
    )
    if (pending.length < APPENDS_AT_ONCE) continue
    await Promise.all(pending.splice(0))
    await turn()
  }
  await Promise.all(pending)
  await store.close()
}

interface SeedEvent {
  stream: string
  revision: number
  type: string
  data: Record<string, unknown>
  /** Of the stream, which the next event continues. */
  prevHash: { value: string }
}

const START_MS = Date.parse('2026-01-01T00:00:00Z')

function* history(seed: Seed, operatorId: string, userIds: string[], areNamed: boolean): Generator<SeedEvent> {
  const orgId = deterministicId('noctant.org', operatorId)
  let events = 0
  const occurredAt = () => new Date(START_MS + 7 * events++).toISOString()
  for (const [n, globalUserId] of userIds.entries()) {
    const names = { externalId: `user-${n}`, email: null, displayName: areNamed ? `User ${n}` : null }
    const data = { globalUserId, operatorId, orgId, ...names, occurredAt: occurredAt() }
    const stream = `noctant.user-${globalUserId}`
    yield { stream, revision: 0, type: 'noctant.UserProvisioned.v1', data, prevHash: { value: '' } }
  }
  for (let first = 0; first < seed.accounts; first += ACCOUNTS_IN_TURN) {
    const opened = []
    for (let n = first; n < Math.min(seed.accounts, first + ACCOUNTS_IN_TURN); n++) {
      const owner = { operatorId, orgId, globalUserId: userIds[n % seed.users] ?? operatorId }
      const data = accountOpened(n, owner, occurredAt())
      const stream = `noctant.account-${data.programAccountId}`
      const account = { stream, prevHash: { value: '' }, data }
      opened.push(account)
      yield { ...account, revision: 0, type: 'noctant.AccountOpened.v1' }
    }
    for (let change = 1; change <= seed.changes; change++) {
      const [from, to] = change % 2 === 1 ? ['active', 'disabled'] : ['disabled', 'active']
      for (const { stream, prevHash, data } of opened) {
        const { programAccountId, accountId } = data
        const changed = { programAccountId, accountId, from, to, reason: null, occurredAt: occurredAt() }
        yield { stream, prevHash, revision: change, type: 'noctant.AccountStatusChanged.v1', data: changed }
      }
    }
  }
}

function accountOpened(n: number, owner: { operatorId: string; orgId: string; globalUserId: string }, at: string) {
  const externalAccountId = `a-${n}`
  return {
    programAccountId: programAccountIdOf(owner.operatorId, externalAccountId),
    attemptId: randomUUID(),
    accountId: randomUUID(),
    accountNumber: `NX${String(n).padStart(10, '0')}`,
    ...owner,
    externalAccountId,
    accountName: null,
    productId: null,
    currency: 'USD',
    initialBalance: '100000.00',
    executionProfileKey: 'standard',
    executionMode: 'simulated',
    marketMode: 'live_market',
    programType: 'standard',
    programOrigin: null,
    provisioningSource: 'operator_api',
    providerType: 'prop_firm',
    rulesOwner: 'partner',
    feedSource: 'noctant',
    brandingPolicy: 'white_label',
    visibilityPolicy: 'same_sponsor_only',
    claimAllowed: false,
    marketingAllowed: false,
    occurredAt: at,
  }
}

/** As a command over HTTP is recorded. */
function causeOf(operatorId: string): Cause {
  const commandId = randomUUID()
  const actor = { kind: 'operator' as const, id: operatorId, keyId: 'abcdefghijklmnop' }
  const ids = { $correlationId: commandId, $causationId: commandId, requestId: commandId, commandId }
  return { ...ids, actor, fingerprint: '0'.repeat(64) }
}

const BATCH_MAX = 4_000
const SILENCE_MAX_MS = 20_000
const ATTEMPTS_MAX = 5
/** The processes, which would otherwise read the whole history first. */
const FOLLOWERS = ['relay', 'payouts', 'challenge-rules', 'webhooks', 'webhook-replays']

/** Brings an empty database to the head of the log by a rebuild of everything, and whoever follows the log with it. */
async function buildReadModels(eventStoreUrl: string, databaseUrl: string, personKeys: PersonKeys): Promise<void> {
  const store = createEventStore({ registry, url: eventStoreUrl, deadlineMs: 30_000, appendAttemptsMax: 1 })
  const db = createDatabase({ url: databaseUrl, poolMax: 4, statementTimeoutMs: 0 })
  try {
    await prepareSchema(db, contexts)
    for (const { name, projections } of contexts) {
      const checkpoint = projectionsCheckpoint(name)
      await putAtHead(db, store, checkpoint)
      await rebuild({
        db,
        projections,
        checkpoint,
        readHistory: (after) =>
          readHistory(
            { registry, url: eventStoreUrl, batchMax: BATCH_MAX, readTimeoutMs: SILENCE_MAX_MS, personKeys },
            after,
          ),
        signal: new AbortController().signal,
        transactionAttemptsMax: ATTEMPTS_MAX,
        exclusively: (work) => work(),
        onSwapped: () => undefined,
      })
    }
    for (const name of FOLLOWERS) await putAtHead(db, store, name)
  } finally {
    await Promise.all([db.destroy(), store.close()])
  }
}

/** Says that the log has been taken in to its end. */
export async function putAtHead(db: ReadModels, store: ReturnType<typeof createEventStore>, name: string) {
  const head = await store.head()
  if (!head) throw new Error('the event store is empty')
  const to = { position: head.position, eventId: head.id }
  await commit({ db, name, from: undefined, to })
}

/** The query of a page so far down the account list (0 to 1): `&before_created_at=…`. */
export async function pageOfAccounts(databaseUrl: string, share: number): Promise<string> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query(
    `SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS
    before_created_at, program_account_id::text AS before_program_account_id FROM noctant_accounts
    ORDER BY created_at DESC, program_account_id DESC LIMIT 1
    OFFSET (SELECT floor(count(*) * $1::double precision) FROM noctant_accounts)`,
    [share],
  )
  await client.end()
  return `&${new URLSearchParams(rows[0])}`
}
