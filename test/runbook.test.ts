/** The runbook and the metrics tell of each other: what it names is there to be seen, and what calls for somebody is in it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { root } from './support/source.ts'
import { type Stack, startStack } from './support/stack.ts'

/** Figures that are for graphs: nobody is woken by them. */
const FOR_GRAPHS = [
  'opslog_commands_total',
  'opslog_firsthand_job_waits',
  'opslog_http_request_duration_seconds',
  'opslog_ostium_action_waits',
  'opslog_ostium_actions_in_flight',
  'opslog_ostium_actions_waiting',
  'opslog_ostium_price_clients',
  'opslog_ostium_price_clients_held',
  'opslog_ostium_prices_dropped',
  'opslog_ostium_sockets',
  'opslog_projector_batches',
  'opslog_projector_events',
  'opslog_projector_foreign_events',
  'opslog_read_model_events',
  'opslog_relay_commands',
  'opslog_webhook_attempts_under_way',
  'opslog_webhook_deliveries',
  'rungate_calls_in_flight',
]

const runbook = readFileSync(join(root, 'docs/runbook.md'), 'utf8')
const headings = [...runbook.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading as string)
let stack: Stack
let served: string[] = []

beforeAll(async () => {
  stack = await startStack()
  const metrics = await (await fetch(`${stack.url}/metrics`)).text()
  served = [...metrics.matchAll(/^# TYPE ((?:opslog|rungate)_\w+) /gm)].map(([, name]) => name as string)
}, 60_000)
afterAll(() => stack.close())

it('every metric that the runbook names is served', () => {
  const named = new Set([...runbook.matchAll(/`((?:opslog|rungate)_[a-z_]+)`/g)].map(([, name]) => name as string))
  expect(named.size).toBeGreaterThan(8)
  expect([...named].filter((name) => !served.includes(name))).toEqual([])
})

it('every metric that calls for somebody is in the runbook, the others are for graphs', () => {
  const untold = served.filter((name) => !runbook.includes(`\`${name}\``))
  expect(untold.sort()).toEqual(served.filter((name) => FOR_GRAPHS.includes(name)).sort())
})

it('every part that readiness can name as down is in the runbook', async () => {
  const { dependencies } = (await (await fetch(`${stack.url}/readyz`)).json()) as { dependencies: object }
  const names = Object.keys(dependencies)
  expect(names.length).toBeGreaterThan(5)
  expect(names.filter((name) => !runbook.includes(name))).toEqual([])
})

it('its links lead to its headings', () => {
  const anchors = headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  )
  const links = [...runbook.matchAll(/\]\(#([^)]+)\)/g)].map(([, link]) => link as string)
  expect(links.length).toBeGreaterThan(8)
  expect(links.filter((link) => !anchors.includes(link))).toEqual([])
})
