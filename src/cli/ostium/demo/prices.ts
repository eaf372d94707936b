/** Live prices, as a client hears them over a WebSocket. */
import { CliError, EXIT } from '../../terminal.ts'
import type { OstiumStory, Say } from './story.ts'

interface Tick {
  feed_id: string
  mid: number
  bid: number
  ask: number
  timestampSeconds: number
}

/** Everything that comes until it is enough, or the time is up. Rejects where the stream cannot be reached. */
function hear(url: string, forMs: number, isEnough: (ticks: readonly Tick[]) => boolean): Promise<Tick[]> {
  const ticks: Tick[] = []
  const socket = new WebSocket(url)
  const { promise, resolve, reject } = Promise.withResolvers<Tick[]>()
  const timer = setTimeout(() => resolve(ticks), forMs)
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Tick | { type: string }
    if ('feed_id' in message) ticks.push(message)
    if (isEnough(ticks)) resolve(ticks)
  })
  socket.addEventListener('error', () =>
    reject(new CliError(EXIT.unreachable, `the prices at ${url} cannot be reached`)),
  )
  return promise.finally(() => {
    clearTimeout(timer)
    socket.close()
  })
}

const isBitcoin = ({ feed_id }: Tick) => feed_id === 'BTC-USD'

/** Of Bitcoin. Throws CliError where no price comes. */
export async function firstPrice({ pricesUrl, waits }: OstiumStory): Promise<number> {
  const ticks = await hear(pricesUrl(), waits.waitMaxMs, (seen) => seen.some(isBitcoin))
  const tick = ticks.find(isBitcoin)
  if (!tick) throw new CliError(EXIT.refused, 'no price of Bitcoin has come')
  return tick.mid
}

const LISTEN_MS = 2_000

export async function hearPrices({ pricesUrl, checks }: OstiumStory, say: Say): Promise<void> {
  const ticks = await hear(pricesUrl(), LISTEN_MS, () => false)
  const feeds = [...new Set(ticks.map(({ feed_id }) => feed_id))]
  checks.holds(
    'prices come while one listens',
    ticks.length > 2 * feeds.length,
    'several of each',
    `${ticks.length} ticks`,
  )
  checks.holds('of every pair that has a feed', feeds.length >= 6, 'at least 6', feeds.length)
  const isOrdered = feeds.every((feed) => {
    const times = ticks.filter(({ feed_id }) => feed_id === feed).map(({ timestampSeconds }) => timestampSeconds)
    return times.every((time, index) => index === 0 || time >= (times[index - 1] ?? 0))
  })
  checks.equal('none is older than the one before', isOrdered, true)
  checks.equal(
    'bid, mid and ask stand in their order',
    ticks.every(({ bid, mid, ask }) => bid <= mid && mid <= ask),
    true,
  )
  say(`${ticks.length} in ${LISTEN_MS / 1_000} s`)
}
