/** The health of a process without the API, and the check that a container makes of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import { adminAddress, startHealthServer } from '../src/http/health-server.ts'
import { createMetrics } from '../src/http/metrics.ts'
import { temporaryDirectory } from './support/services.ts'
import { root } from './support/source.ts'

const directory = temporaryDirectory()
let isUp = true
const probes = [
  { name: 'event_store', required: true, check: async () => ({ up: true }) },
  { name: 'relay', required: false, check: async () => ({ up: isUp }) },
  { name: 'webhooks', required: false, check: async () => ({ up: false, state: 'elsewhere' }) },
]
const gauges = [{ name: 'opslog_processes_halted', help: 'Processes that have halted', read: () => 2 }]
const address = adminAddress({ ADMIN_HOST: '127.0.0.1', ADMIN_PORT: undefined })
const own = new Set(['event_store', 'relay'])
const server = await startHealthServer(probes, own, createMetrics(gauges), address, 2_000)
afterAll(async () => {
  await server.stop()
  directory.remove()
})

async function check() {
  const child = spawn(process.execPath, [join(root, 'scripts/health.mjs')], { env: { DATA_DIR: directory.path } })
  const said = await Array.fromAsync(child.stdout.setEncoding('utf8'))
  if (child.exitCode === null) await once(child, 'exit')
  return { exitCode: child.exitCode, said: said.join('') }
}

it('asks for what the process is for, and for nothing that others are for', async () => {
  expect(await check()).toEqual({ exitCode: 1, said: expect.stringContaining('no instance answers') })
  const services = { pid: process.pid, health: { url: server.url } }
  writeFileSync(join(directory.path, 'services.json'), JSON.stringify(services))
  isUp = true
  expect(await check()).toEqual({ exitCode: 0, said: 'ready\n' })
  isUp = false
  // Until then the answer is the one of before.
  await vi.waitFor(async () => expect(await check()).toEqual({ exitCode: 1, said: 'not_ready: relay\n' }), 10_000)
})

it('has the figures of the process beside', async () => {
  const figures = await (await fetch(`${server.url}/metrics`)).text()
  expect(figures).toMatch(/^opslog_processes_halted 2$/m)
})
