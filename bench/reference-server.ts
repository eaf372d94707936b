/**
 * What a user would build instead: Hono, zod and pg, a row and its outbox row in one transaction, and a point select.
 * No key, no scope, no idempotency, no history.
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { Pool } from 'pg'
import { z } from 'zod'

// As durable as what it is measured against: an answer only once the commit is on disk, which is Postgres's default and
// not that of the instance's own server, whose read models can be built anew.
const options = '-c synchronous_commit=on'
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10, options })
await pool.query(`
  CREATE SCHEMA IF NOT EXISTS reference;
  CREATE TABLE IF NOT EXISTS reference.users (
    id text PRIMARY KEY, email text, display_name text, updated_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE IF NOT EXISTS reference.outbox (id bigserial PRIMARY KEY, body jsonb NOT NULL)`)

const body = z.object({ external_id: z.string(), display_name: z.string().max(255), email: z.email().nullish() })

const upsert = {
  name: 'upsert',
  text: `INSERT INTO reference.users (id, email, display_name) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE
    SET email = excluded.email, display_name = excluded.display_name, updated_at = now() RETURNING *`,
}
const outbox = { name: 'outbox', text: 'INSERT INTO reference.outbox (body) VALUES ($1)' }
const select = { name: 'select', text: 'SELECT * FROM reference.users WHERE id = $1' }

const app = new Hono()
app.post('/users', async (c) => {
  const user = body.parse(await c.req.json())
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const { rows } = await client.query({ ...upsert, values: [user.external_id, user.email, user.display_name] })
    await client.query({ ...outbox, values: [JSON.stringify(rows[0])] })
    await client.query('COMMIT')
    return c.json(rows[0])
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
})
app.get('/users', async (c) => {
  const { rows } = await pool.query({ ...select, values: [c.req.query('external_id')] })
  return rows[0] ? c.json(rows[0]) : c.notFound()
})

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})
process.once('SIGTERM', () => process.exit(0))
