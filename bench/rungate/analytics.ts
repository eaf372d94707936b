/**
 * Figures over 30 days of 100,000 steps, in an account with 1,000,000 of them: each kind of figure over HTTP, one request at a time.
 * The rows are written into the read model as its projection writes them, in the order of their time.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { SuiteOptions } from '../commands.ts'
import { call } from '../instance.ts'
import { figuresOf, load, type Measurement, within } from '../measure.ts'
import type { Ground } from './ground.ts'

const STEPS = 1_000_000
/** Of which a tenth is of the last 30. */
const DAYS = 300
const AGENTS = 20
const BATCH = 100_000
const P95_MAX_MS = 500

const PATHS = [
  ...[
    'costs?group_by=agent',
    'costs?group_by=day&granularity=day',
    'latency?group_by=model',
    'errors?group_by=provider',
  ],
  ...[
    'throughput?group_by=provider_key&granularity=week',
    'provider-reliability',
    'top?metric=latency_p95&entity=model',
  ],
]

export async function analytics(
  { instance, account }: Ground,
  { seconds, rounds }: SuiteOptions,
): Promise<Measurement[]> {
  await writeSteps(instance.postgresUrl, account.id)
  const measured: { path: string; p95Ms: number; row: Measurement['ours'] }[] = []
  for (const path of PATHS) {
    const url = `${instance.url}/rungate/api/analytics/${path}`
    const get = async () => void (await call('GET', url, { apiKey: account.token, expect: [200] }))
    await get()
    const all = []
    for (let round = 0; round < rounds; round++) all.push(await load(1, seconds, get))
    const latencies = all.flatMap(({ latenciesMs }) => latenciesMs).sort((left, right) => left - right)
    const p95Ms = latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * 0.95))] ?? 0
    measured.push({ path, p95Ms, row: figuresOf(all) })
  }
  const [slowest] = measured.toSorted((left, right) => right.p95Ms - left.p95Ms)
  if (!slowest) return []
  const name = `figures of 100,000 steps among ${STEPS.toLocaleString('en')}: p95 ms of the slowest, ${slowest.path}`
  return [within(name, slowest.row, { measured: slowest.p95Ms, atMost: P95_MAX_MS })]
}

async function writeSteps(url: string, accountId: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const ids = [accountId, randomUUID(), randomUUID(), randomUUID()]
    for (let from = 0; from < STEPS; from += BATCH) {
      await client.query(ROWS, [...ids, from, from + BATCH - 1, STEPS, DAYS, AGENTS])
    }
    await client.query('VACUUM (ANALYZE) rungate_steps')
  } finally {
    await client.end()
  }
}

/** A step in ten fails, and one in fifty is refused. */
const ROWS = `INSERT INTO rungate_steps (step_id, part, run_id, account_id, agent_id, policy_id, ordinal, type, status, provider,
    model, provider_key_id, is_streaming, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cost_usd,
    is_estimated, latency_ms, time_to_first_byte_ms, failover_attempts, has_content, created_at)
  SELECT gen_random_uuid(), 1000, gen_random_uuid(), $1::uuid, md5('agent ' || n % $9::int)::uuid, $2::uuid, n % 100, 'llm_call',
    CASE WHEN n % 50 = 0 THEN 'policy_blocked' WHEN n % 10 = 0 THEN 'error' ELSE 'success' END,
    CASE WHEN n % 3 = 0 THEN 'anthropic' ELSE 'openai' END,
    (ARRAY['gpt-5', 'gpt-5-mini', 'claude-haiku-4-5', 'claude-opus-4-5'])[1 + n % 4],
    CASE WHEN n % 3 = 0 THEN $3::uuid ELSE $4::uuid END,
    n % 2 = 0, 100 + n % 900, 50 + n % 500, n % 7, n % 5, round((0.0001 + (n % 1000) / 1000000.0)::numeric, 8),
    false, 200 + n * 7919 % 5000, 100 + n * 7919 % 1000, CASE WHEN n % 40 = 0 THEN 1 ELSE 0 END, false,
    now() - ($7::bigint - n) * ($8::int * interval '1 day') / $7::bigint
  FROM generate_series($5::bigint, $6::bigint) AS n`
