/** Evening: the operator closes everything, follows the command to the engine's log, checks the books, and disables. */
import { byValue, type Checklist, decimal, isPlainDecimal } from '../../demo/checks.ts'
import { poll } from '../../demo/client.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { entryStatusOf, initialBalance, ofAccount, pollRows, pollSummary, type Row, type Story } from './story.ts'

type Say = (note: string) => void

/** The order in which a command may be seen; each state may be too short to be seen, none comes back. */
const PATH = ['outbox_pending', 'nats_published', 'engine_wal_confirmed']

export async function closeAll(story: Story, say: Say): Promise<void> {
  const { operator, checks, run } = story
  const body = { idempotency_key: `${run}-close-all`, reason: 'end of the day' }
  const params = ofAccount(story)
  const close = (more: { reason?: string } = {}) =>
    operator.POST('/v1/accounts/by-external-id/close-all', { params, body: { ...body, ...more } })
  const answer = await close()
  checks.equal('close-all is accepted', statusOf(answer), '202')
  const commandId = String(answer.data?.command_id)
  const { states, command } = await follow(story, commandId, say)
  checkPath(checks, 'close-all', states, command)
  const again = await close()
  const same = again.data?.command_id === commandId ? 'same command' : 'another command'
  const replayed = again.response.headers.get('idempotency-replayed')
  checks.equal('sent again it is not done again', `${same}, replayed ${replayed}`, 'same command, replayed true')
  const other = await close({ reason: 'another' })
  checks.equal('its key with other content is refused', statusOf(other), '409 idempotency_key_reused')
  const unknown = await commandOf(story, '00000000-0000-4000-8000-000000000000')
  checks.equal('a command that nobody sent is unknown', unknown.status, 'unknown')
}

async function commandOf(story: Story, commandId: string): Promise<Row> {
  const params = { ...ofAccount(story), path: { command_id: commandId } }
  const { data } = await story.operator.GET('/v1/accounts/by-external-id/commands/{command_id}', { params })
  return data?.command ?? {}
}

/** Asks for the command until the engine has answered; every state that was seen, in order. */
async function follow(story: Story, commandId: string, say: Say): Promise<{ states: string[]; command: Row }> {
  const states: string[] = []
  const command = await poll(
    async () => {
      const found = await commandOf(story, commandId)
      if (states.at(-1) !== found.status) states.push(String(found.status))
      say(states.join(' → '))
      return found
    },
    (found) =>
      found.status === 'dead_lettered' ||
      (found.status === 'engine_wal_confirmed' && Boolean(found.nats_published_at && found.engine_command_outcome)),
    story.waits,
  )
  return { states, command }
}

/**
 * A fast machine is through the first states before anybody can ask, so the times that the record keeps of them count as
 * well as the states that were seen; those must follow in order and end with the engine's log.
 */
function checkPath(checks: Checklist, name: string, states: readonly string[], command: Row): void {
  const times = [command.accepted_at, command.nats_published_at, command.engine_wal_confirmed_at]
  const passed = PATH.filter((_, index) => typeof times[index] === 'string')
  const places = states.map((state) => PATH.indexOf(state))
  const forward = places.every((place, index) => place >= 0 && (index === 0 || place > places[index - 1]!))
  const whole = forward && states.at(-1) === PATH.at(-1) && passed.length === PATH.length
  const seen = `${whole ? 'all three states' : states.join(' → ')}, ${command.engine_command_outcome}`
  checks.equal(`${name} goes all the way to the engine’s log`, seen, 'all three states, accepted')
}

export async function readBooks(story: Story, say: Say): Promise<void> {
  const { checks } = story
  const positions = await pollRows(story, 'positions', (rows) => rows.length === 0)
  const orders = await pollRows(story, 'orders', (rows) => rows.every(({ status }) => status !== 'working'))
  const limit = orders.find((row) => row.order_type === 'limit' && row.source === 'trader')
  const left = `${positions.length} positions, limit order ${limit?.status}`
  checks.equal('nothing is left open', left, '0 positions, limit order cancelled')
  const trades = await pollRows(story, 'trades', (rows) => rows.length === 3)
  checks.equal('three trades, adding up digit by digit', faultsOf(trades), '3 trades, no fault')
  const expected = booked(trades)
  const summary = await pollSummary(
    story,
    ({ balance }) => isPlainDecimal(balance) && decimal(balance).equals(expected),
  )
  checks.equal('balance = opening balance + net of the trades', summary.balance, expected)
  const free = `equity ${summary.equity}, margin ${byValue(summary.margin_used)}`
  checks.equal('equity = balance, no margin in use', free, `equity ${expected}, margin 0`)
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

function faultsOf(trades: readonly Row[]): string {
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
  return `${trades.length} trades, ${wrong.length === 0 ? 'no fault' : wrong.join('; ')}`
}

export async function disableAccount(story: Story, say: Say): Promise<void> {
  const { operator, trader, checks, run, found } = story
  const disable = (key: string) => {
    const body = { status: 'disabled' as const, idempotency_key: `${run}-${key}`, reason: 'end of the demo' }
    return operator.PATCH('/v1/accounts/by-external-id/status', { params: ofAccount(story), body })
  }
  const answer = await disable('disable')
  checks.equal('disabling is accepted', `${statusOf(answer)} changed ${answer.data?.changed}`, '202 changed true')
  const { states, command } = await follow(story, String(answer.data?.command_id), say)
  checkPath(checks, 'disabling', states, command)
  const summary = await pollSummary(story, ({ trading_status }) => trading_status === 'disabled')
  checks.equal('trading is disabled', summary.trading_status, 'disabled')
  const order = { symbol: 'EURUSD', side: 'buy', orderType: 'market', quantity: '0.1' }
  const refused = await trader('POST', '/orders', {
    accountId: found.accountId,
    clientOrderId: `${run}-late`,
    ...order,
  })
  checks.equal('a new order is refused', entryStatusOf(refused), '422 trading_disabled')
  const kept = await disable('disable-again')
  checks.equal(
    'disabled again, nothing changes',
    `${statusOf(kept)} changed ${kept.data?.changed}`,
    '200 changed false',
  )
}
