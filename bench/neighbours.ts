/**
 * The neighbours suite: what one attacker costs another tenant. The attacker has a valid key, or 32 connections without
 * one, and works in a process of its own. Meanwhile another tenant's GET comes on schedule. Bounds: its p99 below five
 * times the quiet one, which is measured right before, and memory within 200 MiB of the start.
 *
 * On few cores the attacker's own work counts against us, as does whatever else the machine does. So there is a control:
 * the same attacker sends as much, at the same pace, to a stub that refuses all of it. What the GET takes then is the price
 * of a busy neighbour process; what it takes beyond is ours. Both are shown, each with the bound.
 */
import { execFileSync } from 'node:child_process'
import { loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Agent } from 'undici'
import { askChild } from './child.ts'
import type { SuiteOptions } from './commands.ts'
import { type BenchInstance, call, startBenchInstance, startProgram, stopProgram } from './instance.ts'
import { type Figures, figuresOf, type Measurement, pace, type Round } from './measure.ts'
import { type Attack, type AttackOrder, attacks, type Keys } from './neighbours-attacker.ts'
import { seedDataDirectory } from './seed.ts'

const PER_SECOND = 50
/** Pages of 200 accounts, and a log that is worth reading. */
const SEED = { accounts: 400, users: 50, changes: 50 }
/** Quiet p99 over attacked p99. */
const FLOOR = 1 / 5
const SAMPLE_INTERVAL_MS = 50
/** For memory to come back: longer than answers that nobody reads are kept (`ANSWER_STALL_MAX_MS`). */
const REST_MAX_MS = 45_000
const MEMORY_MAX_MIB = 200
/** An attack is over when the median of so many GETs in a row is no more than so many times the quiet one. */
const CALM_GETS = 20
const CALM_TIMES = 3

export async function runNeighboursBench({ seconds, rounds, only = '' }: SuiteOptions): Promise<Measurement[]> {
  const { child: stub, said } = await startProgram('./neighbours-stub.ts', [], {}, /refuses at \S+\n/)
  const stubUrl = /refuses at (\S+)/.exec(said)?.[1] ?? ''
  const instance = await startBenchInstance({}, (directory) => seedDataDirectory(directory, SEED))
  try {
    const key = newTenant(instance, 'neighbour', 'unlimited')
    const keys = {
      unlimited: instance.apiKey,
      ordinary: newTenant(instance, 'ordinary', 'standard'),
      auditor: opslog(instance, 'admin', 'create-auditor-key', '--operator', 'all', '--name', 'Bench'),
    }
    const { url } = instance
    const path = '/noctant/v1/users'
    await call('POST', `${url}${path}`, { apiKey: key, body: { external_id: 'neighbour' }, expect: [200, 201] })
    const read = () => readAsNeighbour(url, `${path}?external_id=neighbour`, key)
    await pace(PER_SECOND, seconds, read)
    const startMiB = instance.residentMiB()
    const measured: Measurement[] = []
    for (const attack of Object.keys(attacks) as Attack[]) {
      if (!attack.includes(only)) continue
      measured.push(...(await underAttack(instance, attack, { seconds, rounds, startMiB, keys, read, stubUrl })))
    }
    return measured
  } finally {
    await instance.stop()
    await stopProgram(stub)
  }
}

/** Another client address than the attacker's, who may have all connections of one. */
const neighbours = new Agent({ connect: { localAddress: '127.0.0.2' } })

async function readAsNeighbour(origin: string, path: string, key: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}` }
  const { statusCode, body } = await neighbours.request({ origin, path, method: 'GET', headers })
  await body.dump()
  if (statusCode !== 200) throw new Error(`the neighbour's GET was answered ${statusCode}`)
}

interface Circumstances extends SuiteOptions {
  startMiB: number
  keys: Keys
  stubUrl: string
  read: () => Promise<void>
}

async function underAttack(
  instance: BenchInstance,
  attack: Attack,
  { seconds, rounds, startMiB, keys, read, stubUrl }: Circumstances,
): Promise<Measurement[]> {
  const [quiet, attacked, controlled]: [Round[], Round[], Round[]] = [[], [], []]
  const beforeMiB = instance.residentMiB()
  let mostMiB = 0
  const sample = setInterval(() => {
    mostMiB = Math.max(mostMiB, instance.residentMiB())
  }, SAMPLE_INTERVAL_MS)
  const during = async (order: AttackOrder) => {
    const module = fileURLToPath(new URL('./neighbours-attacker.ts', import.meta.url))
    const attacking = askChild<{ sent: number }>(module, order)
    const round = await pace(PER_SECOND, seconds, read)
    return { round, sent: (await attacking).sent }
  }
  let [total, afterMs] = [0, 0]
  try {
    for (let turn = 0; turn < rounds; turn++) {
      quiet.push(await pace(PER_SECOND, seconds, read))
      const { round, sent } = await during({ url: instance.url, keys, attack, seconds })
      attacked.push(round)
      total += sent
      afterMs = Math.max(afterMs, await calm(read, CALM_TIMES * (figuresOf(quiet).p50Ms ?? 0)))
      const perSecond = Math.max(1, sent / seconds)
      controlled.push((await during({ url: stubUrl, keys, attack, seconds, perSecond })).round)
    }
  } finally {
    clearInterval(sample)
  }
  const back = await rested(instance, startMiB + MEMORY_MAX_MIB)
  const grown = (miB: number, since = startMiB) => `${miB < since ? '' : '+'}${Math.round(miB - since)}`
  const effect = afterMs < 1_000 ? '' : `, felt ${(afterMs / 1_000).toFixed(0)} s longer`
  const memory = `MiB ${grown(mostMiB)} at most, ${grown(back)} after (${grown(back, beforeMiB)} by it)`
  const [ours, reference, control] = [attacked, quiet, controlled].map(figuresOf) as [Figures, Figures, Figures]
  const over = ({ p99Ms = 0 }: Figures) => p99Ms / (ours.p99Ms ?? 1)
  const load = `load ${loadavg()[0]?.toFixed(1)}`
  return [
    {
      name: `${attack}: ${total} sent${effect}, ${memory}, ${load}`,
      ours,
      reference,
      ratio: over(reference),
      floor: FLOOR,
    },
    {
      name: `  quiet p99 ${reference.p99Ms?.toFixed(1)} ms, control p99 ${control.p99Ms?.toFixed(1)} ms`,
      ...{ ours, reference: control, ratio: over(control), floor: FLOOR },
    },
  ]
}

/**
 * Waits until what is left of the attack is worked off: else the control, and the quiet GET of the next round, would have it.
 * Resolves with how long that took, in ms; at most REST_MAX_MS.
 */
async function calm(read: () => Promise<void>, calmMs: number): Promise<number> {
  const startedMs = performance.now()
  for (let isCalm = false; !isCalm && performance.now() - startedMs < REST_MAX_MS; ) {
    const latenciesMs: number[] = []
    for (let sent = 0; sent < CALM_GETS; sent++) {
      const sentMs = performance.now()
      await read()
      latenciesMs.push(performance.now() - sentMs)
    }
    isCalm = (figuresOf([{ perSecond: 0, latenciesMs }]).p50Ms ?? 0) <= calmMs
  }
  return performance.now() - startedMs
}

/** Resident memory once it is below the bound, or when the rest is over. */
async function rested(instance: BenchInstance, boundMiB: number): Promise<number> {
  const endsMs = performance.now() + REST_MAX_MS
  while (instance.residentMiB() > boundMiB && performance.now() < endsMs) await delay(SAMPLE_INTERVAL_MS)
  return instance.residentMiB()
}

/** What the command prints. */
function opslog({ directory }: BenchInstance, ...args: string[]): string {
  const program = fileURLToPath(new URL('../src/cli/opslog.ts', import.meta.url))
  const env = { ...process.env, DATA_DIR: directory }
  const options = { env, encoding: 'utf8' as const, stdio: ['ignore' as const, 'pipe' as const, 'ignore' as const] }
  return execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], options).trim()
}

/** Another operator's key. */
function newTenant(instance: BenchInstance, slug: string, tier: string): string {
  opslog(instance, 'admin', 'operator', 'create', '--name', slug, '--slug', slug, '--tier', tier)
  return opslog(instance, 'admin', 'key', 'issue', slug, '--all-scopes')
}
