/**
 * `opslog engine`: the trader's terminal, over the order entry of the engine that runs on DATA_DIR. Numbers stay the
 * strings that they are; what the engine refuses ends with its reason code.
 */
import { randomUUID } from 'node:crypto'
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { isUuid } from '../../events/uuid.ts'
import type { AdminTools } from '../admin-tools.ts'
import { examples } from '../examples.ts'
import { table } from '../table.ts'
import { list, type OutputOptions, withOutput } from '../table-output.ts'
import { CliError, colours, EXIT, facts, show, text } from '../terminal.ts'
import { wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'
import {
  type Account,
  accountSchema,
  accountsSchema,
  callOrderEntry,
  type Order,
  orderAnswerSchema,
  pricesSchema,
} from './order-entry.ts'

interface JsonOption {
  json?: boolean
}

type AccountsOptions = OutputOptions & { after: string }

interface OrderOptions extends JsonOption {
  limit?: string
  stop?: string
  takeProfit?: string
  stopLoss?: string
  tif?: string
  id?: string
}

export function engineCommand(tools: AdminTools): Command {
  return new Command('engine')
    .addCommand(orderCommand(tools))
    .addCommand(cancelCommand(tools))
    .addCommand(priceCommand(tools))
    .addCommand(accountsCommand(tools))
    .addHelpText(
      'after',
      `
Examples:
  opslog engine accounts                       all accounts, with what they are worth
  opslog engine order 3fa85f64 buy 0.5 EURUSD  at the market; the beginning of an account's id is enough
  opslog engine price EURUSD XAUUSD            what they cost at the moment`,
    )
}

function orderCommand(tools: AdminTools): Command {
  return new Command('order')
    .description('place an order')
    .addArgument(new Argument('<account>', 'execution account id, or the beginning of it'))
    .addArgument(new Argument('<side>').choices(['buy', 'sell']))
    .argument('<lots>', 'quantity, such as 0.10', decimalText('quantity'))
    .argument('<symbol>', 'such as EURUSD')
    .option('--limit <price>', 'at this price or better, as long as it takes', decimalText('limit'))
    .option('--stop <price>', 'at the market once the price has come to this', decimalText('stop'))
    .option('--take-profit <price>', 'close the position with a profit here', decimalText('take profit'))
    .option('--stop-loss <price>', 'close the position with a loss here', decimalText('stop loss'))
    .addOption(new Option('--tif <time>', 'how long it is good').choices(['gtc', 'ioc', 'day']))
    .option('--id <id>', 'your own id of the order: sent twice, it is placed once', text('id', 64))
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        '3fa85f64 buy 0.5 EURUSD',
        '3fa85f64 sell 1 XAUUSD --limit 2700.00 --tif day',
        '3fa85f64 buy 0.1 GBPUSD --stop 1.29000 --take-profit 1.31000 --stop-loss 1.28000',
      ),
    )
    .action((account: string, side: string, lots: string, symbol: string, options: OrderOptions) =>
      order(tools, { account, side, quantity: lots, symbol }, options),
    )
}

function cancelCommand(tools: AdminTools): Command {
  return new Command('cancel')
    .description('cancel a working order')
    .argument('<orderId>', 'as `order` and `accounts` show it, or the beginning of it')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  opslog engine cancel 7d444840-9dc0-11d1-b245-5ffdce74fad2')
    .action(async (named: string, options: JsonOption) => {
      // The order entry knows whole ids alone.
      const orderId = isUuid(named) ? named : await tools.withSession((on) => wholeIdOf(on, identified.order, named))
      const answer = await callOrderEntry(tools, 'DELETE', `/orders/${encodeURIComponent(orderId)}`, orderAnswerSchema)
      show(answer, options, () => orderText(answer.order))
    })
}

function priceCommand(tools: AdminTools): Command {
  return withOutput(new Command('price'))
    .description('what the symbols cost at the moment')
    .argument('[symbols...]', 'all of them unless named')
    .addHelpText('after', '\nExamples:\n  opslog engine price\n  opslog engine price EURUSD --json')
    .action((symbols: string[], options: OutputOptions) => price(tools, symbols, options))
}

function accountsCommand(tools: AdminTools): Command {
  return withOutput(new Command('accounts'))
    .description('the accounts, or one of them with its positions and working orders')
    .argument('[account]', 'execution account id, or the beginning of it')
    .option('--after <account>', 'list those behind this id', '')
    .addHelpText('after', '\nExamples:\n  opslog engine accounts\n  opslog engine accounts 3fa85f64 --json')
    .action((name: string | undefined, options: AccountsOptions) => accounts(tools, name, options))
}

/**
 * The order has an id of its own in any case, so that an answer that gets lost can be asked for again.
 */
async function order(
  tools: AdminTools,
  { account, side, quantity, symbol }: { account: string; side: string; quantity: string; symbol: string },
  options: OrderOptions,
): Promise<void> {
  if (options.limit !== undefined && options.stop !== undefined) {
    throw new CliError(
      EXIT.usage,
      'an order is a limit order or a stop order, not both',
      'Leave out --limit or --stop.',
    )
  }
  const clientOrderId = options.id ?? randomUUID()
  const body = {
    accountId: account,
    clientOrderId,
    symbol: symbol.toUpperCase(),
    side,
    orderType: options.limit !== undefined ? 'limit' : options.stop !== undefined ? 'stop' : 'market',
    quantity,
    limitPrice: options.limit ?? null,
    stopPrice: options.stop ?? null,
    takeProfit: options.takeProfit ?? null,
    stopLoss: options.stopLoss ?? null,
    ...(options.tif && { timeInForce: options.tif }),
  }
  const lost = `Whether the order was taken is not known. Send it again with --id ${clientOrderId}: it is placed once.`
  const answer = await callOrderEntry(tools, 'POST', '/orders', orderAnswerSchema, body, lost)
  show(answer, options, () => {
    const before = answer.replayed ? `${colours.yellow('placed before')}; it was then:\n` : ''
    return before + orderText(answer.order)
  })
}

async function price(tools: AdminTools, symbols: string[], options: OutputOptions): Promise<void> {
  const { prices } = await callOrderEntry(tools, 'GET', '/prices', pricesSchema)
  const wanted = symbols.map((symbol) => symbol.toUpperCase())
  const missing = wanted.filter((symbol) => !prices.some((each) => each.symbol === symbol))
  if (missing.length > 0) {
    const known = prices.map((each) => each.symbol).join(', ')
    throw new CliError(EXIT.refused, `there is no price of ${missing.join(', ')}`, `There are prices of ${known}.`)
  }
  const chosen = prices.filter((each) => wanted.length === 0 || wanted.includes(each.symbol))
  const rows = chosen.map((each) => [colours.bold(each.symbol), each.bid, each.ask, colours.dim(each.description)])
  list(chosen, options, ['symbol', 'bid', 'ask', 'description'], rows, 'There are no prices yet.')
}

async function accounts(tools: AdminTools, name: string | undefined, options: AccountsOptions): Promise<void> {
  if (name !== undefined) {
    const account = await callOrderEntry(tools, 'GET', `/accounts/${encodeURIComponent(name)}`, accountSchema)
    if (options.csv) {
      const { positions, orders } = account
      const row = rowOf({ ...account, positionCount: positions.length, workingOrderCount: orders.length })
      list(account, options, ACCOUNT_HEAD, [row], '')
    } else show(account, options, () => accountText(account, options))
    return
  }
  const page = await callOrderEntry(
    tools,
    'GET',
    `/accounts?limit=50&after=${encodeURIComponent(options.after)}`,
    accountsSchema,
  )
  const more = page.next === null ? '' : `\n${colours.dim(`more: opslog engine accounts --after ${page.next}`)}`
  const empty = 'The engine has no accounts yet; an operator opens them.'
  list(page, options, ACCOUNT_HEAD, page.accounts.map(rowOf), empty, more)
}

const ACCOUNT_HEAD = ['account', 'trading', 'balance', 'equity', 'positions', 'orders']

type Counted = Pick<Account, 'accountId' | 'tradingStatus' | 'balance' | 'currency' | 'equity'> & {
  positionCount: number
  workingOrderCount: number
}

const rowOf = (account: Counted): string[] => [
  account.accountId,
  statusText(account.tradingStatus),
  `${account.balance} ${account.currency}`,
  account.equity ?? '',
  String(account.positionCount),
  String(account.workingOrderCount),
]

function accountText(account: Account, options: OutputOptions): string {
  const { currency, marginLevel } = account
  const money = (amount: string | null) => (amount === null ? 'no price' : `${amount} ${currency}`)
  const parts = [
    facts([
      ['account', account.accountId],
      ['trading', statusText(account.tradingStatus)],
      ['balance', money(account.balance)],
      ['equity', money(account.equity)],
      ['margin used', money(account.marginUsed)],
      ['free margin', money(account.freeMargin)],
      ['margin level', marginLevel === null ? '–' : `${marginLevel} %`],
      ['leverage', `1:${account.leverage}`],
    ]),
  ]
  if (account.positions.length > 0) {
    const head = ['position', 'lots', 'entry', 'now', 'take profit', 'stop loss', `profit ${currency}`]
    const rows = account.positions.map((position) => [
      `${sideText(position.side)} ${position.symbol}`,
      position.quantity,
      position.averageEntryPrice,
      position.markPrice ?? '',
      position.takeProfit ?? '',
      position.stopLoss ?? '',
      profitText(position.unrealizedPnl),
    ])
    parts.push(table(head, rows, { ...options, columns: undefined }))
  }
  if (account.orders.length > 0) {
    const rows = account.orders.map((working) => [
      working.orderId,
      `${sideText(working.side)} ${working.quantity} ${working.symbol}`,
      `${working.orderType} ${working.limitPrice ?? working.stopPrice ?? ''}`,
      working.timeInForce,
    ])
    parts.push(table(['working order', 'what', 'price', 'good'], rows, { ...options, columns: undefined }))
  }
  return parts.join('\n')
}

function orderText(placed: Order): string {
  const at = placed.averageFillPrice === null ? '' : ` at ${placed.averageFillPrice}`
  const price = placed.limitPrice ?? placed.stopPrice
  const terms = price === null ? placed.orderType : `${placed.orderType} ${price}, ${placed.timeInForce}`
  const done = placed.status === 'filled' ? colours.green : colours.yellow
  const why = placed.reasonCode === null ? '' : ` (${placed.reasonCode})`
  const head = `${done(placed.status)}${why} ${sideText(placed.side)} ${placed.quantity} ${placed.symbol}${at}`
  return `${head} ${colours.dim(`· ${terms}`)}\n${colours.dim(`order ${placed.orderId}, account ${placed.accountId}`)}`
}

const sideText = (side: string) => (side === 'buy' || side === 'long' ? colours.green(side) : colours.red(side))
const statusText = (status: string) => (status === 'active' ? colours.green(status) : colours.yellow(status))
const profitText = (amount: string | null) =>
  amount === null ? '' : amount.startsWith('-') ? colours.red(amount) : colours.green(amount)

function decimalText(name: string): (value: string) => string {
  return (value) => {
    if (!/^\d{1,20}(\.\d{1,18})?$/.test(value)) {
      throw new InvalidArgumentError(`The ${name} must be a positive decimal, such as 0.10.`)
    }
    return value
  }
}
