/** Evening: the operator closes everything, follows the command to the engine's log, checks the books, and disables. */
import { type Checklist, decimal, isPlainDecimal } from './checks.ts'
import { poll } from './client.ts'
import {
  accountPath,
  initialBalance,
  objectOf,
  pollRows,
  pollSummary,
  type Row,
  type Story,
  statusOf,
} from './story.ts'

type Say = (note: string) => void

/** The order in which a command may be seen; each state may be too short to be seen, none comes back. */
const PATH = ['outbox_pending', 'nats_published', 'engine_wal_confirmed']

export async function closeAll(story: Story, say: Say): Promise<void> {
  const { operator, checks, run } = story
  const body = { idempotency_key: `${run}-close-all`, reason: 'end of the day' }
  const answer = await operator('POST', accountPath(story, '/close-all'), body)
  checks.equal('close-all is accepted', statusOf(answer), '202')
  const commandId = String(answer.body.command_id)
  const { states, command } = await follow(story, commandId, say)
  checkPath(checks, 'close-all', states)
  checks.equal('the engine’s decision', command.engine_command_outcome, 'accepted')
  const again = await operator('POST', accountPath(story, '/close-all'), body)
  checks.equal('sent again it is the same command', again.body.command_id, commandId)
  checks.equal('and says that it was answered before', again.headers.get('idempotency-replayed'), 'true')
  const other = await operator('POST', accountPath(story, '/close-all'), { ...body, reason: 'another' })
  checks.equal('its key with other content is refused', other.status, 409)
  const unknown = await operator('GET', accountPath(story, '/commands/00000000-0000-4000-8000-000000000000'))
  checks.equal('a command that nobody sent is unknown', objectOf(unknown.body, 'command').status, 'unknown')
}

/** Asks for the command until the engine has answered; every state that was seen, in order. */
async function follow(story: Story, commandId: string, say: Say): Promise<{ states: string[]; command: Row }> {
  const states: string[] = []
  const command = await poll(
    async () => {
      const answer = await story.operator('GET', accountPath(story, `/commands/${commandId}`))
      const found = objectOf(answer.body, 'command')
      if (states.at(-1) !== found.status) states.push(String(found.status))
      say(states.join(' → '))
      return found
    },
    ({ status, engine_command_outcome }) =>
      status === 'dead_lettered' || (status === 'engine_wal_confirmed' && typeof engine_command_outcome === 'string'),
    story.waits,
  )
  return { states, command }
}

function checkPath(checks: Checklist, name: string, states: readonly string[]): void {
  const places = states.map((state) => PATH.indexOf(state))
  const forward = places.every((place, index) => place >= 0 && (index === 0 || place > places[index - 1]!))
  const ok = forward && states.at(-1) === 'engine_wal_confirmed'
  checks.holds(`${name} reaches the engine’s log`, ok, PATH.join(' → '), states.join(' → '))
}

export async function readBooks(story: Story, say: Say): Promise<void> {
  const { checks } = story
  const positions = await pollRows(story, 'positions', (rows) => rows.length === 0)
  checks.equal('no position is left', positions.length, 0)
  const orders = await pollRows(story, 'orders', (rows) => rows.every(({ status }) => status !== 'working'))
  const limit = orders.find((row) => row.order_type === 'limit' && row.source === 'trader')
  checks.equal('the resting order is cancelled', limit?.status, 'cancelled')
  const trades = await pollRows(story, 'trades', (rows) => rows.length === 3)
  checks.equal('three trades are closed', trades.length, 3)
  const expected = booked(trades)
  const summary = await pollSummary(
    story,
    ({ balance }) => isPlainDecimal(balance) && decimal(balance).equals(expected),
  )
  checks.equal('balance = opening balance + net of the trades', summary.balance, expected)
  checks.equal('equity = balance, with nothing open', summary.equity, expected)
  checks.sameDecimal('no margin is in use', summary.margin_used, '0')
  checkTrades(checks, trades)
  say(`${trades.length} trades, balance ${summary.balance}`)
}

/** What the account must hold: to the cent, in its own digits. */
function booked(trades: readonly Row[]): string {
  const net = trades.reduce((sum, { net_pnl }) => sum.plus(isPlainDecimal(net_pnl) ? net_pnl : '0'), decimal('0'))
  return net.plus(initialBalance).toFixed(2)
}

const AMOUNTS = ['quantity', 'entry_price', 'exit_price', 'gross_pnl', 'commission', 'swap', 'net_pnl'] as const
/** Units in a lot of a currency pair. */
const CONTRACT_SIZE = '100000'

function checkTrades(checks: Checklist, trades: readonly Row[]): void {
  const wrong: string[] = []
  for (const trade of trades) {
    const [quantity, entry, exit, gross, commission, swap, net] = AMOUNTS.map((name) =>
      isPlainDecimal(trade[name]) ? decimal(trade[name]) : undefined,
    )
    if (!quantity || !entry || !exit || !gross || !commission || !swap || !net) {
      wrong.push(`${trade.trade_id}: not plain decimals`)
      continue
    }
    const move = trade.side === 'long' ? exit.minus(entry) : entry.minus(exit)
    if (!gross.equals(move.times(quantity).times(CONTRACT_SIZE))) wrong.push(`${trade.trade_id}: gross`)
    if (!net.equals(gross.minus(commission).plus(swap))) wrong.push(`${trade.trade_id}: net`)
  }
  checks.holds(
    'each trade adds up, digit by digit',
    wrong.length === 0,
    'all',
    wrong.length === 0 ? 'all' : wrong.join('; '),
  )
}

export async function disableAccount(story: Story, say: Say): Promise<void> {
  const { operator, trader, checks, run, found } = story
  const body = { status: 'disabled', idempotency_key: `${run}-disable`, reason: 'end of the demo' }
  const answer = await operator('PATCH', accountPath(story, '/status'), body)
  checks.equal('disabling is accepted', `${statusOf(answer)} changed ${answer.body.changed}`, '202 changed true')
  const { states } = await follow(story, String(answer.body.command_id), say)
  checkPath(checks, 'disabling', states)
  const summary = await pollSummary(story, ({ trading_status }) => trading_status === 'disabled')
  checks.equal('trading is disabled', summary.trading_status, 'disabled')
  const order = { symbol: 'EURUSD', side: 'buy', orderType: 'market', quantity: '0.1' }
  const refused = await trader('POST', '/orders', {
    accountId: found.accountId,
    clientOrderId: `${run}-late`,
    ...order,
  })
  checks.equal('a new order is refused', statusOf(refused), '422 trading_disabled')
  const later = { ...body, idempotency_key: `${run}-disable-again` }
  const kept = await operator('PATCH', accountPath(story, '/status'), later)
  checks.equal('disabled again, nothing changes', `${statusOf(kept)} changed ${kept.body.changed}`, '200 changed false')
}
