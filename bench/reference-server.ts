/**
 * What a user would build instead: Hono, zod and pg, a row and its outbox row in one transaction, and a point select.
 * No key, no scope, no idempotency, no history.
 */
import { randomUUID } from 'node:crypto'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { Pool } from 'pg'
import { z } from 'zod'
import { inTransaction } from './transaction.ts'

// As durable as what it is measured against: an answer only once the commit is on disk, which is Postgres's default and
// not that of the instance's own server, whose read models can be built anew.
const options = '-c synchronous_commit=on'
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10, options })
await pool.query(`
  CREATE SCHEMA IF NOT EXISTS reference;
  CREATE TABLE IF NOT EXISTS reference.users (
    id text PRIMARY KEY, email text, display_name text, updated_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE IF NOT EXISTS reference.wallets (organization_id text PRIMARY KEY, balance_cents bigint NOT NULL);
  CREATE TABLE IF NOT EXISTS reference.jobs (
    id text PRIMARY KEY, organization_id text NOT NULL, type text NOT NULL, description text NOT NULL,
    files_needed int NOT NULL, accepted_formats text[] NOT NULL, price_per_file_cents bigint NOT NULL,
    status text NOT NULL DEFAULT 'open', created_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE IF NOT EXISTS reference.outbox (id bigserial PRIMARY KEY, body jsonb NOT NULL)`)

const body = z.object({ external_id: z.string(), display_name: z.string().max(255), email: z.email().nullish() })

const upsert = {
  name: 'upsert',
  text: `INSERT INTO reference.users (id, email, display_name) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE
    SET email = excluded.email, display_name = excluded.display_name, updated_at = now() RETURNING *`,
}
const outbox = { name: 'outbox', text: 'INSERT INTO reference.outbox (body) VALUES ($1)' }
const select = { name: 'select', text: 'SELECT * FROM reference.users WHERE id = $1' }

const job = z.object({
  organization_id: z.string(),
  type: z.enum(['data_collection', 'feedback']),
  description: z.string().min(10).max(5_000),
  files_needed: z.int().min(1).max(10_000),
  accepted_formats: z.array(z.string()).min(1).max(8),
  price_per_file_cents: z.int().min(1).max(100_000),
})
const fill = {
  name: 'fill',
  text: `INSERT INTO reference.wallets VALUES ($1, $2) ON CONFLICT (organization_id) DO UPDATE
    SET balance_cents = excluded.balance_cents`,
}
const look = {
  name: 'look',
  text: 'SELECT balance_cents FROM reference.wallets WHERE organization_id = $1 FOR UPDATE',
}
const take = {
  name: 'take',
  text: 'UPDATE reference.wallets SET balance_cents = balance_cents - $2 WHERE organization_id = $1',
}
const post = {
  name: 'post',
  text: `INSERT INTO reference.jobs (id, organization_id, type, description, files_needed, accepted_formats,
    price_per_file_cents) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *`,
}
const find = { name: 'find', text: 'SELECT * FROM reference.jobs WHERE id = $1' }
/** More than a benchmark spends. */
const BALANCE_CENTS = 1_000_000_000

const app = new Hono()
app.post('/users', async (c) => {
  const user = body.parse(await c.req.json())
  const row = await inTransaction(pool, async (client) => {
    const { rows } = await client.query({ ...upsert, values: [user.external_id, user.email, user.display_name] })
    await client.query({ ...outbox, values: [JSON.stringify(rows[0])] })
    return rows[0]
  })
  return c.json(row)
})
app.get('/users', async (c) => {
  const { rows } = await pool.query({ ...select, values: [c.req.query('external_id')] })
  return rows[0] ? c.json(rows[0]) : c.notFound()
})

app.put('/wallets/:id', async (c) => {
  await pool.query({ ...fill, values: [c.req.param('id'), BALANCE_CENTS] })
  return c.body(null, 204)
})
app.post('/jobs', async (c) => {
  const { organization_id, ...asked } = job.parse(await c.req.json())
  const { type, description, files_needed, accepted_formats, price_per_file_cents } = asked
  const total = files_needed * price_per_file_cents
  const row = await inTransaction(pool, async (client) => {
    const { rows } = await client.query({ ...look, values: [organization_id] })
    if (Number(rows[0]?.balance_cents ?? 0) < total) return undefined
    await client.query({ ...take, values: [organization_id, total] })
    const facts = [organization_id, type, description, files_needed, accepted_formats, price_per_file_cents]
    const posted = await client.query({ ...post, values: [randomUUID(), ...facts] })
    await client.query({ ...outbox, values: [JSON.stringify(posted.rows[0])] })
    return posted.rows[0]
  })
  return row ? c.json(row, 201) : c.json({ error: 'insufficient_credits' }, 402)
})
app.get('/jobs/:id', async (c) => {
  const { rows } = await pool.query({ ...find, values: [c.req.param('id')] })
  return rows[0] ? c.json(rows[0]) : c.notFound()
})

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})
process.once('SIGTERM', () => process.exit(0))
