/** Two traders with an agent each, on a chain where everything that is asked for can happen. */
import { randomBytes, randomUUID } from 'node:crypto'
import { ostium } from '../../../src/http/ostium/api.ts'
import { startTradingGround } from '../../http/ostium/trading-ground.ts'
import { UUID } from '../api.ts'
import { runOperationSuites } from '../operations.ts'

/** Minutes pass so fast that nobody's are used up. */
const HASTE = 100_000
const ground = await startTradingGround({
  nowMs: () => performance.now() * HASTE,
  env: { OSTIUM_MESSAGES_PER_TRADER_HOUR_MAX: '100000' },
  limits: { authFailuresPerMinuteMax: 1_000_000, anonymousPerMinuteMax: 1_000_000 },
})
const { served, market } = ground
const trader = await market.trader()
const { key } = await ground.agentOf(trader)
const waiting = await market.trader()
await served.post('/v1/auth/create', waiting.address)
/** Whom an operation is about so that it can do what it is for: nobody yet, whose agent waits, or whose agent acts. */
const ofWaiting = ['authCancel', 'agentPending', 'agentPublic', 'agentRemove']
const traderFor = (operation: string): string => {
  if (/create/i.test(operation)) return `0x${randomBytes(20).toString('hex')}`
  return ofWaiting.includes(operation) ? waiting.address : trader.address
}
const named = { 'x-trader-address': trader.address }

/** Cancels without what belongs to the other kind. */
function ofTheirKind(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('cancels' in body) || !Array.isArray(body.cancels)) return body
  const cancels = body.cancels.map((given: unknown) => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
    const { a, i, o, ...rest } = given as Record<string, unknown>
    const placed = { ...(a !== undefined && { a }), ...(i !== undefined && { i }) }
    const named = o === undefined ? {} : { o }
    if (rest.t === 'limit') return { ...rest, ...placed }
    return rest.t === 'close' || rest.t === 'open' ? { ...rest, ...named } : { ...rest, ...placed, ...named }
  })
  return { ...body, cancels }
}

runOperationSuites({
  api: ostium,
  url: served.url,
  store: served.store,
  credentials: {
    livingAgent: { good: { ...named, 'x-api-key': key }, wrong: { ...named, 'x-api-key': `${key.slice(0, -1)}_` } },
    verifiedAgent: { good: named, wrong: { ...named, 'x-api-key': `${key.slice(0, -1)}_` } },
  },
  elsewhere: [{ authorization: 'Bearer nct_sandbox_none' }],
  own: new Map(),
  foreign: new Map(),
  refusalOf: ({ errorCode }: { errorCode?: string }) => ({ code: errorCode?.toLowerCase() }),
  requestId: UUID,
  idOfNothing: () => randomUUID(),
  aliases: {},
  recordsRefusals: [],
  named: (operation) => ({ 'x-trader-address': traderFor(operation) }),
  signing: ['x-api-key'],
  // A trader is named above, and the header goes first; ids of requests are never refused; a body may be one without a mode.
  forgives: new Set(['x-trader-address', 'address', 'x-request-id', 'verifyAgent']),
  heeds: { cancel: ofTheirKind },
  texts: {
    ...{ p: ['42500.00', '0.0001', '1e5'], tp: ['45000', '0', '-1'], sl: ['40000', '0', '1.'] },
    ...{ s: ['100', '5', '4.99'], l: ['10', '1', '101'], amount: ['50.00', '-0.000001', '0'] },
    ...{ b: ['0x742d35Cc6634C0532925a3b844Bc9e7595f5bE21'] },
  },
  close: ground.stop,
})
