/** Transactions that are built and recorded: over HTTP, and over one WebSocket. */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { SuiteOptions } from '../commands.ts'
import { call } from '../instance.ts'
import { compare, load, type Measurement, type Round, WARM_UP_S } from '../measure.ts'
import type { OstiumGround } from './ground.ts'

const AT_ONCE = 16
const TRADER = '0x742d35Cc6634C0532925a3b844Bc9e7595f5bE21'
const OPEN = { open: { a: 3, b: true, t: 'limit', p: '2310.125', s: '5', l: '1.5', sl: '2300' }, sp: 0.25 }
const headers = { 'x-trader-address': TRADER }

const posts = (url: string, seconds: number): Promise<Round> =>
  load(AT_ONCE, seconds, async () => {
    await call('POST', url, { headers, body: OPEN, expect: [200] })
  })

/** As many messages under way as there are connections over HTTP, on one connection. */
async function messages(url: string, seconds: number): Promise<Round> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  await once(socket, 'open')
  const waiting: ((reply: string) => void)[] = []
  socket.on('message', (data: Buffer) => waiting.shift()?.(data.toString()))
  const message = JSON.stringify({ id: '1', action: 'open', headers: { 'X-Trader-Address': TRADER }, payload: OPEN })
  const round = await load(AT_ONCE, seconds, async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    waiting.push(resolve)
    socket.send(message)
    const reply = await promise
    if (!reply.includes('"ok":true')) throw new Error(reply)
  })
  socket.terminate()
  return round
}

export async function building(
  { instance, reference }: OstiumGround,
  { seconds, rounds }: SuiteOptions,
): Promise<Measurement[]> {
  const ours = `${instance.url}/ostium/v1/exchange/open`
  const socket = `${instance.url.replace('http', 'ws')}/ostium/v1/exchange/ws`
  const bare = `${reference}/open`
  await posts(ours, WARM_UP_S)
  await posts(bare, WARM_UP_S)
  await messages(socket, WARM_UP_S)
  const overHttp = () => posts(ours, seconds)
  return [
    await compare(
      'an open built and recorded, 16 at once, against a bare handler',
      rounds,
      overHttp,
      () => posts(bare, seconds),
      {
        ...{ floor: 0.45, goal: 0.6 },
      },
    ),
    await compare(
      'the same over one WebSocket, 16 under way, against HTTP',
      rounds,
      () => messages(socket, seconds),
      overHttp,
      {
        ...{ floor: 1, goal: 1.3 },
      },
    ),
  ]
}
