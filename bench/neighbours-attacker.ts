/** The attacker of the neighbours suite, in a process of its own: what one key, or 32 connections without one, can send. */
import { connect, type Socket } from 'node:net'
import { Agent } from 'undici'
import { answerParent } from './child.ts'

export interface AttackOrder {
  url: string
  apiKey: string
  attack: Attack
  seconds: number
}

const CONNECTIONS = 32
const MIB = 1_048_576
const PIPELINED = 20_000
const IDLE_SOCKETS = 10_000
/** Sockets that are opened side by side. */
const OPENING_MAX = 200

interface Target {
  url: string
  apiKey: string
  endsMs: number
}

/** Each resolves with how many requests, or connections, it sent. */
export const attacks = {
  'a key: bodies of 520,000 numbers': (target) =>
    posts(target, `{"event_types":[${'1,'.repeat(519_999)}1]}`.slice(0, MIB), 6, true),
  'a key: bodies of 1 MB of 0.1,': (target) => posts(target, `{"a":[${'0.1,'.repeat(260_000)}1]}`, 2, true),
  'a key: as many reads as it can send': (target) => gets(target, ['/noctant/v1/accounts?limit=200'], true),
  'no key: 1 MB bodies': (target) => posts(target, 'x'.repeat(MIB), CONNECTIONS, false),
  'no key: metrics, readiness, documents': (target) =>
    gets(target, ['/metrics', '/readyz', '/noctant/openapi.json', '/docs/viewer.js'], false),
  'no key: 20,000 requests on one connection': (target) => pipelines(target),
  'no key: 10,000 idle connections': (target) => idle(target),
} satisfies Record<string, (target: Target) => Promise<number>>
export type Attack = keyof typeof attacks

if (process.send) {
  answerParent(async ({ attack, seconds, ...to }: AttackOrder) => {
    const sent = await attacks[attack]({ ...to, endsMs: performance.now() + seconds * 1_000 })
    return { sent }
  })
}

/** Runs the work side by side until the time is over. A request that is cut off counts as sent. */
async function repeat({ endsMs }: Target, connections: number, work: (turn: number) => Promise<unknown>) {
  let sent = 0
  const worker = async () => {
    while (performance.now() < endsMs) await work(sent++).catch(() => undefined)
  }
  await Promise.all(Array.from({ length: connections }, worker))
  return sent
}

async function posts(target: Target, body: string, connections: number, hasKey: boolean): Promise<number> {
  const agent = new Agent({ connections })
  const signed = hasKey ? { authorization: `Bearer ${target.apiKey}` } : {}
  const headers = { 'content-type': 'application/json', ...signed }
  const to = { origin: target.url, path: '/noctant/v1/webhooks/replays', method: 'POST', headers, body } as const
  const sent = await repeat(target, connections, async () => (await agent.request(to)).body.dump())
  await agent.destroy()
  return sent
}

async function gets(target: Target, paths: readonly string[], hasKey: boolean): Promise<number> {
  const agent = new Agent({ connections: CONNECTIONS })
  const headers = hasKey ? { authorization: `Bearer ${target.apiKey}` } : {}
  const sent = await repeat(target, CONNECTIONS, async (turn) => {
    const path = paths[turn % paths.length] ?? '/'
    const { body } = await agent.request({ origin: target.url, path, method: 'GET', headers })
    await body.dump({ limit: 16 * MIB })
  })
  await agent.destroy()
  return sent
}

const socketTo = ({ url }: Target): Socket => {
  const { port, hostname } = new URL(url)
  return connect(Number(port), hostname).on('error', () => undefined)
}

/** Requests that all stand on one connection at once; then on another. */
async function pipelines(target: Target): Promise<number> {
  const flood = 'GET /noctant/v1/me HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(PIPELINED)
  const turns = await repeat(target, 1, async () => {
    const socket = socketTo(target)
    socket.resume().write(flood)
    const over = setTimeout(() => socket.destroy(), Math.max(0, target.endsMs - performance.now()))
    await new Promise((resolve) => socket.once('close', resolve))
    clearTimeout(over)
  })
  return turns * PIPELINED
}

/** Connections that say nothing, opened again as they are closed. */
async function idle(target: Target): Promise<number> {
  const open = new Set<Socket>()
  const opened = await repeat(target, OPENING_MAX, async () => {
    if (open.size >= IDLE_SOCKETS) await new Promise((resolve) => setTimeout(resolve, 10))
    const socket = socketTo(target)
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()))
  })
  for (const socket of open) socket.destroy()
  return opened
}
