/** `opslog status` against what an instance shows of itself: one screen, and an exit code that says how it is. */
import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { widthOf } from '../../src/cli/screen.ts'
import { runCli } from '../support/cli.ts'

let server: Server
let url = ''
/** What other processes have taken in, and how much of it between two looks; 0: nobody says. */
let taken = 0
let step = 0
let readiness: { status: string; dependencies: Record<string, object> }

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/readyz') return response.end(JSON.stringify(readiness))
    taken += step
    const others = step === 0 ? '' : `opslog_read_model_events ${taken}\n`
    response.end(
      `process_start_time_seconds 1700000000\nopslog_projector_events 7\n${others}opslog_dead_letter_webhooks 2\n`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : ''
})
afterAll(() => void server.close())

const processes = Object.fromEntries(
  Array.from({ length: 30 }, (_, at) => [`noctant.process${at}`, { up: true, state: 'leading', handled: at }]),
)
const status = (...args: string[]) => runCli(['status', '--url', url, ...args], { COLUMNS: '80' })

describe('opslog status', () => {
  it('fits 24 lines of 80 columns, with what is down first and where the runbook speaks of it', async () => {
    const down = { up: false, state: 'halted', lag_ms: 61_000, position: '4711', error: 'a poison event '.repeat(8) }
    readiness = { status: 'degraded', dependencies: { ...processes, 'projector.noctant': down } }
    const { exitCode, stdout } = await status()
    const lines = stdout.trimEnd().split('\n')
    expect(exitCode).toBe(1)
    expect(lines.length).toBeLessThanOrEqual(24)
    expect(lines.filter((line) => widthOf(line) > 80)).toEqual([])
    expect(stdout).toMatch(/^DOWN +projector\.noctant +halted, 61000 ms behind/m)
    expect(stdout).toContain('docs/runbook.md: /readyz: a projector is down')
    expect(stdout).toContain('2 webhooks')
  })

  it.each([
    ['ready', 0],
    ['not_ready', 3],
  ])('of %s ends with %i', async (of, exitCode) => {
    readiness = { status: of, dependencies: { postgres: { up: of === 'ready', kind: 'given' } } }
    const ended = await status('--json')
    expect(ended.exitCode).toBe(exitCode)
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: of, dead_letter_webhooks: 2, events_per_second: 0 })
  })

  it('says what other processes take in, where they write the read models', async () => {
    step = 40
    readiness = { status: 'ready', dependencies: { postgres: { up: true, kind: 'given' } } }
    const { stdout } = await status('--json')
    step = 0
    expect(JSON.parse(stdout)).toMatchObject({ events_per_second: 40 })
  })

  it('of an address that nobody answers at ends with 3', async () => {
    const { exitCode, stdout } = await runCli(['status', '--url', 'http://127.0.0.1:1'], { COLUMNS: '80' })
    expect([exitCode, stdout]).toEqual([3, expect.stringContaining('cannot be reached')])
  })
})
