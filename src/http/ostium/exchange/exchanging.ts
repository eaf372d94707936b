/**
 * What traders do on exchange, the same by HTTP and by socket: a request becomes calls of the contracts, which are handed out
 * unsigned, or which the trader's agent makes. Nothing leaves before its event is acknowledged.
 */
import type { z } from '@hono/zod-openapi'
import type { Address } from '../../../adapters/chain/address.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { build } from '../../../commands/ostium/build.ts'
import {
  cancelCall,
  closeCalls,
  functionOf,
  type Hex,
  marginCall,
  modifyCall,
  openCall,
} from '../../../commands/ostium/calldata.ts'
import { wrongLevels } from '../../../commands/ostium/requests.ts'
import type { BuildFacts } from '../../../events/ostium/build.ts'
import type { Channel, Operation } from '../../../events/ostium/vocabulary.ts'
import type { Market } from '../../../processes/ostium/market.ts'
import { type FieldError, Problem } from '../../errors.ts'
import { type AgentCaller, ANYBODY, type OstiumParts } from '../access.ts'
import { askChain, requireFunctions, requireMarket } from '../chain.ts'
import type { OstiumCode } from '../errors.ts'
import { transactionOf } from '../views.ts'
import { delegate } from './delegating.ts'
import { cancelRequest, closeRequest, marginRequest, modifyRequest, openRequest } from './requests.ts'

/** Who asks for it, by which way, and as which command. */
export interface Asked {
  trader: Address
  /** With a key of the trader's agent; undefined: anybody has asked. */
  principal: AgentCaller | undefined
  command: CommandContext
  channel: Channel
}

interface Parts extends OstiumParts {}

interface Kind<Schema extends z.ZodType> {
  schema: Schema
  /** What the settings bound, beside the schema. */
  faults?: (request: z.output<Schema>, limits: OstiumParts['limits']) => FieldError[]
  /** Whether the chain has to be asked for what the request leaves out. */
  asksChain?: (request: z.output<Schema>) => boolean
  calls: (request: z.output<Schema>, market: Market, trader: Address, parts: Parts) => Hex[] | Promise<Hex[]>
}
const kind = <Schema extends z.ZodType>(each: Kind<Schema>): Kind<Schema> => each

const tooMany = (name: string, count: number, max: number): FieldError[] =>
  count <= max ? [] : [{ pointer: `/${name}`, code: 'too_big', detail: `must have at most ${max} elements` }]

const decimalLeverage = (max: number): bigint => BigInt(max) * 100n

export const kinds = {
  open: kind({
    schema: openRequest,
    faults: ({ open: { l } }, { leverageMax }) =>
      l <= decimalLeverage(leverageMax)
        ? []
        : [{ pointer: '/open/l', code: 'too_big', detail: `must be a leverage of at most ${leverageMax}` }],
    calls: (request, _, trader, { limits }) => [openCall(request, trader, limits.pendingSlippage)],
  }),
  close: kind({
    schema: closeRequest,
    faults: ({ closes }, { actionsPerRequestMax }) => tooMany('closes', closes.length, actionsPerRequestMax),
    calls: (request) => closeCalls(request),
  }),
  cancel: kind({
    schema: cancelRequest,
    faults: ({ cancels }, { actionsPerRequestMax }) => tooMany('cancels', cancels.length, actionsPerRequestMax),
    calls: ({ cancels }) => cancels.map(cancelCall),
  }),
  modify: kind({
    schema: modifyRequest,
    asksChain: ({ p, tp, sl }) => p !== undefined && (tp === undefined || sl === undefined),
    async calls(request, market, trader) {
      const { a, i, p, tp, sl } = request
      if (p === undefined || (tp !== undefined && sl !== undefined)) return [modifyCall(request)]
      const order = await askChain(market, (client) => client.openLimitOrder(trader, a, i))
      if (!order) {
        throw new Problem<OstiumCode>('order_not_found', `The trader has no order ${i} of the pair ${a} that waits.`)
      }
      const levels = { tp: tp ?? order.tp, sl: sl ?? order.sl }
      const wrong = wrongLevels(order.buy, p, levels)
      if (wrong.length > 0) throw unfit(wrong.map((name) => levelFault(name, request[name] === undefined)))
      return [modifyCall(request, levels)]
    },
  }),
  margin: kind({ schema: marginRequest, calls: (request) => [marginCall(request)] }),
} satisfies Record<Operation, unknown>

const levelFault = (name: string, isKept: boolean): FieldError => ({
  pointer: `/${name}`,
  code: 'custom',
  detail: `${isKept ? 'as the order has it, ' : ''}must stand on its side of p`,
})

const unfit = (errors: readonly FieldError[]): Problem => {
  const named = errors.map(({ pointer, detail }) => `${pointer}: ${detail}`)
  return new Problem('validation_failed', named.join('; '), { errors })
}

export interface Exchanged {
  body: { transactions: BuildFacts['transactions'] } | { txHash: string; smartAccountAddress: string }
  /** It was answered before, under the same key. */
  isReplayed: boolean
}

/** Rejects with a Problem or with Rejected; then nothing has been handed out or done. */
export async function exchange<Name extends Operation>(
  parts: OstiumParts,
  name: Name,
  request: z.output<(typeof kinds)[Name]['schema']>,
  asked: Asked,
): Promise<Exchanged> {
  const { faults, asksChain, calls } = kinds[name] as unknown as Kind<z.ZodType>
  const beyond = faults?.(request, parts.limits) ?? []
  if (beyond.length > 0) throw unfit(beyond)
  const market = requireMarket(parts.market)
  const { trader, principal } = asked
  const prepare = async () => {
    const made = await calls(request, market, trader, parts)
    requireFunctions(
      market,
      made.map((call) => functionOf(call) ?? ''),
    )
    return made
  }
  if (principal) return delegate(parts, market, { ...asked, principal, operation: name, prepare })
  return handOut(parts, market, { ...asked, operation: name, prepare, mayFail: asksChain?.(request) ?? false })
}

interface Building extends Asked {
  operation: Operation
  prepare: () => Promise<Hex[]>
  /** What is answered depends on what the chain has now: a repeat is not to be held against that. */
  mayFail: boolean
}

async function handOut({ builds }: OstiumParts, market: Market, asking: Building): Promise<Exchanged> {
  const { trader, operation, channel, command, prepare, mayFail } = asking
  const { chainId, contracts } = market
  const facts: BuildFacts = { chainId, trader, operation, channel, transactions: [], occurredAt: command.at }
  const complete = async () => {
    const calls = await prepare()
    facts.transactions = calls.map((data) => transactionOf(trader, contracts.trading, data))
  }
  const isLater = mayFail && command.fingerprint !== undefined
  if (!isLater) await complete()
  const context = { ...command, actor: ANYBODY, startsStream: !isLater }
  const handled = await builds.handle(build, command.commandId, facts, context, isLater ? complete : undefined)
  const [event] = handled.events
  if (!event) throw new Error('a build has written nothing')
  return { body: { transactions: event.data.transactions }, isReplayed: handled.replayed }
}
