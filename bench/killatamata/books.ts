/** Double-entry books in Postgres, one transaction an operation: what the ledger is measured against. */
import { randomUUID } from 'node:crypto'
import { Pool, type PoolClient } from 'pg'
import { inTransaction } from '../transaction.ts'
import { CREDIT_MICROS } from './ground.ts'

const POOL_MAX = 32
// As durable as what it is measured against: an answer only once the commit is on disk, which is Postgres's default and
// not that of the instance's own server, whose read models can be built anew.
const options = '-c synchronous_commit=on'

const SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS books;
  CREATE TABLE IF NOT EXISTS books.accounts (
    id text PRIMARY KEY, available_micros bigint NOT NULL, held_micros bigint NOT NULL DEFAULT 0);
  CREATE TABLE IF NOT EXISTS books.transfers (
    id uuid PRIMARY KEY, account_id text NOT NULL, hold_id text NOT NULL, kind text NOT NULL, usd_micros bigint NOT NULL,
    posted_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE IF NOT EXISTS books.entries (
    transfer_id uuid NOT NULL, entry int NOT NULL, account text NOT NULL, usd_micros bigint NOT NULL,
    PRIMARY KEY (transfer_id, entry));
  CREATE TABLE IF NOT EXISTS books.jobs (
    id text PRIMARY KEY, account_id text NOT NULL, body jsonb NOT NULL, status text NOT NULL DEFAULT 'queued',
    created_at timestamptz NOT NULL DEFAULT now())`

const fill = {
  name: 'fill',
  text: `INSERT INTO books.accounts VALUES ($1, $2) ON CONFLICT (id) DO UPDATE
    SET available_micros = excluded.available_micros, held_micros = 0`,
}
const hold = {
  name: 'hold',
  text: `UPDATE books.accounts SET available_micros = available_micros - $2, held_micros = held_micros + $2
    WHERE id = $1 AND available_micros >= $2 RETURNING available_micros`,
}
const capture = {
  name: 'capture',
  text: 'UPDATE books.accounts SET held_micros = held_micros - $2 WHERE id = $1 AND held_micros >= $2 RETURNING held_micros',
}
const transfer = {
  name: 'transfer',
  text: 'INSERT INTO books.transfers (id, account_id, hold_id, kind, usd_micros) VALUES ($1, $2, $3, $4, $5)',
}
const entries = {
  name: 'entries',
  text: 'INSERT INTO books.entries VALUES ($1, 0, $2, $4), ($1, 1, $3, -($4::bigint))',
}
const insertJob = { name: 'job', text: 'INSERT INTO books.jobs (id, account_id, body) VALUES ($1, $2, $3)' }

const findJob = { name: 'find', text: 'SELECT status FROM books.jobs WHERE id = $1' }

export async function openBooks(connectionString: string) {
  const pool = new Pool({ connectionString, max: POOL_MAX, options })
  await pool.query(SCHEMA)

  async function post(client: PoolClient, kind: string, accountId: string, holdId: string, usdMicros: bigint) {
    const transferId = randomUUID()
    const [from, to] = kind === 'hold' ? ['available', 'held'] : ['held', 'media_revenue']
    await client.query({ ...transfer, values: [transferId, accountId, holdId, kind, usdMicros] })
    await client.query({ ...entries, values: [transferId, from, to, usdMicros] })
  }

  async function placeHold(client: PoolClient, accountId: string, holdId: string, usdMicros: bigint) {
    const { rows } = await client.query({ ...hold, values: [accountId, usdMicros] })
    if (!rows[0]) return undefined
    await post(client, 'hold', accountId, holdId, usdMicros)
    return BigInt(rows[0].available_micros)
  }

  return {
    fill: (accountId: string) => pool.query({ ...fill, values: [accountId, CREDIT_MICROS] }),
    /** Both throw where there is too little. */
    hold: (accountId: string, holdId: string, usdMicros: bigint) =>
      inTransaction(pool, async (client) => {
        const available = await placeHold(client, accountId, holdId, usdMicros)
        if (available === undefined) throw new Error(`${accountId} has too little`)
      }),
    capture: (accountId: string, holdId: string, usdMicros: bigint) =>
      inTransaction(pool, async (client) => {
        const { rows } = await client.query({ ...capture, values: [accountId, usdMicros] })
        if (!rows[0]) throw new Error(`${accountId} has too little on hold`)
        await post(client, 'capture', accountId, holdId, usdMicros)
      }),
    /** What is left; undefined: there is too little. */
    submit: (accountId: string, jobId: string, usdMicros: bigint, body: string) =>
      inTransaction(pool, async (client) => {
        const available = await placeHold(client, accountId, `hold_${jobId}`, usdMicros)
        if (available === undefined) return undefined
        await client.query({ ...insertJob, values: [jobId, accountId, body] })
        return available
      }),
    statusOf: async (jobId: string): Promise<string | undefined> =>
      (await pool.query({ ...findJob, values: [jobId] })).rows[0]?.status,
    close: () => pool.end(),
  }
}
