/** The attacker of the neighbours suite, in a process of its own: what one key, or 32 connections without one, can send. */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent } from 'undici'
import { answerParent } from './child.ts'

export interface AttackOrder {
  url: string
  /** Of a tenant with the usual limit of requests, of one without, and of an auditor of everything. */
  keys: Keys
  attack: Attack
  seconds: number
  /** As many as this, one of each connection at once and the others spread over the time; undefined: as many as it can. */
  perSecond?: number
}

const CONNECTIONS = 32
const MIB = 1_048_576
const PIPELINED = 20_000
const PRODUCTS = '/noctant/v1/products'
const PAGE = '/noctant/v1/accounts?limit=200'
const IDLE_SOCKETS = 10_000
/** Sockets that are opened side by side. */
const OPENING_MAX = 200

export interface Keys {
  unlimited: string
  ordinary: string
  auditor: string
}

interface Target extends Pick<AttackOrder, 'url' | 'keys' | 'perSecond'> {
  endsMs: number
}

/** Each resolves with how many requests, or connections, it sent. */
export const attacks = {
  'a key: bodies of 520,000 numbers': (target) =>
    posts(target, `{"event_types":[${'1,'.repeat(519_999)}1]}`.slice(0, MIB), { connections: 6 }),
  'a key: bodies of 1 MB of 0.1,': (target) => posts(target, `{"a":[${'0.1,'.repeat(260_000)}1]}`, { connections: 2 }),
  'a key: the most numbers that a body may have': (target) =>
    posts(target, `{"event_types":[${'1,'.repeat(24_000)}1]}`),
  'a key: two products of 195 KiB of numbers': (target) =>
    posts(target, `{"metadata":[${'0.12345678901234567,'.repeat(10_000)}1]}`, { connections: 2, path: PRODUCTS }),
  'a key: the largest products': (target) =>
    posts(target, `{"metadata":[${'0.12345678901234567,'.repeat(24_000)}1]}`, { path: PRODUCTS }),
  'a key: the largest products that are taken': (target) =>
    posts(target, `{"metadata":[${'0.12345678901234567,'.repeat(3_200)}1]}`, { path: PRODUCTS }),
  'a key: as many reads as it can send': (target) => gets(target, [PAGE], target.keys.ordinary),
  'a key: pages that it does not read': (target) => unread(target, target.keys.ordinary),
  'a key: rotations': (target) => posts(target, '{}', { path: '/noctant/v1/me/rotate-api-key' }),
  'a key without a limit: the most numbers that a body may have': (target) =>
    posts(target, `{"event_types":[${'1,'.repeat(24_000)}1]}`, { key: target.keys.unlimited }),
  'a key without a limit: the largest products that are taken': (target) =>
    posts(target, `{"metadata":[${'0.12345678901234567,'.repeat(3_200)}1]}`, {
      ...{ path: PRODUCTS, key: target.keys.unlimited },
    }),
  'a key without a limit: as many reads as it can send': (target) => gets(target, [PAGE], target.keys.unlimited),
  'a key without a limit: pages that it does not read': (target) => unread(target, target.keys.unlimited),
  'an auditor: reads of the whole log': (target) =>
    gets(target, ['/audit/v1/traces/nothing', '/audit/v1/history/user-1?limit=200'], target.keys.auditor),
  'no key: 1 MB bodies': (target) => posts(target, 'x'.repeat(MIB), { key: undefined }),
  'no key: unsigned events for Stripe': (target) =>
    posts(target, 'x'.repeat(262_144), { path: '/firsthand/stripe/webhook', key: undefined }),
  'no key: events for Stripe with made-up signatures': (target) => {
    const signature = `t=${Math.floor(Date.now() / 1_000)},v1=${'ab'.repeat(32)}`
    const headers = { 'stripe-signature': signature }
    return posts(target, 'x'.repeat(65_536), { path: '/firsthand/stripe/webhook', key: undefined, headers })
  },
  'no key: metrics, readiness, documents': (target) =>
    gets(target, ['/metrics', '/readyz', '/noctant/openapi.json', '/docs/viewer.js'], undefined),
  'no key: 20,000 requests on one connection': (target) => pipelines(target),
  'no key: 20,000 requests on each of 32 connections': (target) => pipelines(target, CONNECTIONS),
  'no key: 10,000 idle connections': (target) => idle(target),
} satisfies Record<string, (target: Target) => Promise<number>>
export type Attack = keyof typeof attacks

if (process.send) {
  answerParent(async ({ attack, seconds, ...to }: AttackOrder) => {
    const sent = await attacks[attack]({ ...to, endsMs: performance.now() + seconds * 1_000 })
    return { sent }
  })
}

/**
 * Runs the work side by side until the time is over. A request that is cut off counts as sent. `unit`: what one piece of work
 * counts as.
 */
async function repeat(
  { endsMs, perSecond }: Target,
  connections: number,
  work: (turn: number) => Promise<unknown>,
  unit = 1,
): Promise<number> {
  const startedMs = performance.now()
  const tookMs = endsMs - startedMs
  // The first of all connections come at once, as they do where nothing holds them back.
  const spread = Math.max(0, ((perSecond ?? 0) * tookMs) / 1_000 / unit - connections)
  const dueOf = (turn: number) => (turn < connections ? 0 : startedMs + ((turn - connections + 1) * tookMs) / spread)
  let sent = 0
  const worker = async () => {
    while (performance.now() < endsMs) {
      const turn = sent++
      const dueMs = perSecond === undefined ? 0 : dueOf(turn)
      if (dueMs > endsMs) return
      const earlyMs = dueMs - performance.now()
      if (earlyMs > 0) await delay(earlyMs)
      await work(turn).catch(() => undefined)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  return sent * unit
}

interface Post {
  connections?: number
  path?: string
  key?: string | undefined
  headers?: Readonly<Record<string, string>>
}

const signed = (key: string | undefined) => (key === undefined ? {} : { authorization: `Bearer ${key}` })

async function posts(target: Target, body: string, post: Post = {}): Promise<number> {
  const usual = { connections: CONNECTIONS, path: '/noctant/v1/webhooks/replays', key: target.keys.ordinary }
  const { connections, path, key, headers: own } = { ...usual, ...post }
  const agent = new Agent({ connections })
  const headers = { 'content-type': 'application/json', ...signed(key), ...own }
  const to = { origin: target.url, path, method: 'POST', headers, body } as const
  const sent = await repeat(target, connections, async () => (await agent.request(to)).body.dump())
  await agent.destroy()
  return sent
}

async function gets(target: Target, paths: readonly string[], key: string | undefined): Promise<number> {
  const agent = new Agent({ connections: CONNECTIONS })
  const headers = signed(key)
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
function pipelines(target: Target, connections = 1): Promise<number> {
  const flood = 'GET /noctant/v1/me HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(PIPELINED)
  const work = async () => {
    const socket = socketTo(target)
    socket.resume().write(flood)
    const over = setTimeout(() => socket.destroy(), Math.max(0, target.endsMs - performance.now()))
    await new Promise((resolve) => socket.once('close', resolve))
    clearTimeout(over)
  }
  return repeat(target, connections, work, PIPELINED)
}

/** Requests for large answers of which nothing is taken; each connection is kept to the end. */
async function unread(target: Target, key: string): Promise<number> {
  const sockets: Socket[] = []
  const head = `GET ${PAGE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n\r\n`
  const work = async () => {
    const socket = socketTo(target).pause()
    sockets.push(socket)
    await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()))
    socket.write(head.repeat(CONNECTIONS))
    await delay(10)
  }
  const sent = await repeat(target, CONNECTIONS, work, CONNECTIONS)
  for (const socket of sockets) socket.destroy()
  return sent
}

/** Connections that say nothing, opened again as they are closed. */
async function idle(target: Target): Promise<number> {
  const open = new Set<Socket>()
  const opened = await repeat(target, OPENING_MAX, async () => {
    if (open.size >= IDLE_SOCKETS) await delay(10)
    const socket = socketTo(target)
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()))
  })
  for (const socket of open) socket.destroy()
  return opened
}
