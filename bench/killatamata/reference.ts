/**
 * What one would build instead of the ledger and of submitting: Hono, zod and pg. Each operation is one transaction: the balance is
 * changed where it suffices, and the rows that tell of it are written. No key, no price list, no idempotency, no history.
 */
import { randomUUID } from 'node:crypto'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { z } from 'zod'
import { openBooks } from './books.ts'

const PRICE_MICROS = 21_000n

const body = z.strictObject({
  task: z.enum(['image.generate', 'image.edit', 'video.generate']),
  input: z.strictObject({ prompt: z.string().min(1).max(10_000), outputFormat: z.enum(['png', 'jpg', 'webp']) }),
})

const books = await openBooks(process.env.DATABASE_URL ?? '')
const app = new Hono()
app.put('/accounts/:id', async (c) => {
  await books.fill(c.req.param('id'))
  return c.body(null, 204)
})
app.post('/jobs', async (c) => {
  const job = body.parse(await c.req.json())
  const [accountId = '', jobId] = [c.req.header('x-account'), `job_${randomUUID()}`]
  const availableMicros = await books.submit(accountId, jobId, PRICE_MICROS, JSON.stringify(job))
  if (availableMicros === undefined) return c.json({ error: 'insufficient_balance' }, 402)
  return c.json({ ok: true, externalJobId: jobId, status: 'queued', usdBalanceMicros: Number(availableMicros) }, 201)
})
app.get('/jobs/:id', async (c) => {
  const status = await books.statusOf(c.req.param('id'))
  return status === undefined ? c.notFound() : c.json({ ok: true, status })
})

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})
process.once('SIGTERM', () => process.exit(0))
