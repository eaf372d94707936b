/** The part of Stripe's API that the stand-in speaks: customers, checkout sessions, payment intents, charges, refunds, events. */
import type { Books } from './books.ts'
import { amountAt, type FormObject, invalidRequest, requiredText, textAt, textsAt } from './form.ts'
import type { Kind, StripeObject, StripeStore } from './store.ts'

export interface ApiRequest {
  method: string
  /** Without the query. */
  path: string
  /** Of the body, or of the query. */
  form: FormObject
  livemode: boolean
}

interface Parts {
  store: StripeStore
  books: Books
  /** The address of the checkout page of a session. */
  pageOf: (sessionId: string) => string
}

type Handler = (request: ApiRequest, id: string, parts: Parts) => object

const SESSION_LIVES_S = 86_400
const SESSION_LIVES_MIN_S = 1_800
const LIMIT_DEFAULT = 10
const LIMIT_MAX = 100

/** A page of them, newest first, as far as the filters say. */
function page(kind: Kind, { form, livemode, path }: ApiRequest, { store }: Parts, filters: readonly string[]): object {
  const limit = Math.min(LIMIT_MAX, Number(textAt(form, 'limit') ?? LIMIT_DEFAULT) || LIMIT_DEFAULT)
  const by = Object.fromEntries(
    filters.flatMap((name) => {
      const value = textAt(form, name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
  const found = store.list(kind, livemode, by, limit + 1)
  return { object: 'list', url: path, has_more: found.length > limit, data: found.slice(0, limit) }
}

const read =
  (kind: Kind): Handler =>
  ({ livemode }, id, { books }) =>
    books.require(kind, id, livemode)

const createCustomer: Handler = ({ form, livemode }, _, { store, books }) => {
  const members = { name: textAt(form, 'name') ?? null, email: textAt(form, 'email') ?? null }
  return store.put(
    'customer',
    books.made('cus', 'customer', livemode, { ...members, metadata: textsAt(form, 'metadata') }),
  )
}

const createSession: Handler = ({ form, livemode }, _, { store, books, pageOf }) => {
  if (requiredText(form, 'mode') !== 'payment') throw invalidRequest('Only mode payment is known here.', 'mode')
  const line = 'line_items.0'
  const quantity = Number(textAt(form, `${line}.quantity`) ?? 1)
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > 1_000)
    throw invalidRequest('Invalid integer', 'quantity')
  const customer = textAt(form, 'customer') ?? null
  if (customer !== null) books.require('customer', customer, livemode, 'customer')
  const successUrl = requiredText(form, 'success_url')
  for (const url of [successUrl, textAt(form, 'cancel_url') ?? successUrl]) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw invalidRequest('Not a valid URL', 'success_url')
  }
  const livesS = Number(textAt(form, 'expires_at') ?? books.nowS() + SESSION_LIVES_S) - books.nowS()
  if (!(livesS >= SESSION_LIVES_MIN_S && livesS <= SESSION_LIVES_S)) throw invalidRequest('Invalid time', 'expires_at')
  const session = books.made(livemode ? 'cs_live' : 'cs_test', 'checkout.session', livemode, {
    ...{ mode: 'payment', status: 'open', payment_status: 'unpaid', payment_intent: null, customer },
    amount_total: amountAt(form, `${line}.price_data.unit_amount`) * quantity,
    currency: requiredText(form, `${line}.price_data.currency`).toLowerCase(),
    name: textAt(form, `${line}.price_data.product_data.name`) ?? '',
    client_reference_id: textAt(form, 'client_reference_id') ?? null,
    ...{ success_url: successUrl, cancel_url: textAt(form, 'cancel_url') ?? null },
    metadata: textsAt(form, 'metadata'),
    setup_future_usage: textAt(form, 'payment_intent_data.setup_future_usage') ?? null,
    expires_at: books.nowS() + livesS,
  })
  return store.put('session', { ...session, url: pageOf(session.id) })
}

/** With its payment in full, where the request asks for it. */
const readSession: Handler = ({ form, livemode }, id, { store, books }) => {
  const session = books.require('session', id, livemode)
  const isWanted = Object.values(textsAt(form, 'expand')).includes('payment_intent')
  const { payment_intent } = session
  if (!isWanted || typeof payment_intent !== 'string') return session
  return { ...session, payment_intent: store.get('payment_intent', payment_intent, livemode) }
}

const expireSession: Handler = ({ livemode }, id, { books }) => {
  const session = books.require('session', id, livemode)
  if (session.status !== 'open')
    throw invalidRequest(`Only open sessions can be expired; this one is ${session.status}.`)
  return books.expire(session)
}

const createPayment: Handler = ({ form, livemode }, _, { books }) => {
  for (const name of ['confirm', 'off_session']) {
    if (textAt(form, name) !== 'true') throw invalidRequest(`Only ${name}=true is known here.`, name)
  }
  return books.chargeOffSession(livemode, {
    ...{ amount: amountAt(form, 'amount'), currency: requiredText(form, 'currency').toLowerCase() },
    ...{ customer: requiredText(form, 'customer'), payment_method: requiredText(form, 'payment_method') },
    metadata: textsAt(form, 'metadata'),
  })
}

const createRefund: Handler = ({ form, livemode }, _, { books }) => {
  const amount = textAt(form, 'amount') === undefined ? undefined : amountAt(form, 'amount')
  return books.refund(requiredText(form, 'payment_intent'), livemode, amount)
}

const readEvent: Handler = ({ livemode }, id, { store }) => {
  const found: StripeObject | undefined = store.event(id, livemode)
  if (!found) throw invalidRequest(`No such event: '${id}'`, 'id', 404)
  return found
}

const routes: readonly (readonly [method: string, path: RegExp, handle: Handler])[] = [
  ['POST', /^\/v1\/customers$/, createCustomer],
  ['GET', /^\/v1\/customers\/(\w+)$/, read('customer')],
  [
    'GET',
    /^\/v1\/customers\/(\w+)\/payment_methods$/,
    (request, customer, parts) =>
      page('payment_method', { ...request, form: { ...request.form, customer } }, parts, ['customer']),
  ],
  ['POST', /^\/v1\/checkout\/sessions$/, createSession],
  [
    'GET',
    /^\/v1\/checkout\/sessions$/,
    (request, _, parts) => page('session', request, parts, ['payment_intent', 'customer', 'status']),
  ],
  ['GET', /^\/v1\/checkout\/sessions\/(\w+)$/, readSession],
  ['POST', /^\/v1\/checkout\/sessions\/(\w+)\/expire$/, expireSession],
  ['POST', /^\/v1\/payment_intents$/, createPayment],
  ['GET', /^\/v1\/payment_intents$/, (request, _, parts) => page('payment_intent', request, parts, ['customer'])],
  ['GET', /^\/v1\/payment_intents\/(\w+)$/, read('payment_intent')],
  ['GET', /^\/v1\/charges$/, (request, _, parts) => page('charge', request, parts, ['customer', 'payment_intent'])],
  ['GET', /^\/v1\/charges\/(\w+)$/, read('charge')],
  ['POST', /^\/v1\/refunds$/, createRefund],
  ['GET', /^\/v1\/refunds\/(\w+)$/, read('refund')],
  ['GET', /^\/v1\/events\/(\w+)$/, readEvent],
]

/** The object that answers the request. Throws StripeRefusal. */
export function handleApi(request: ApiRequest, parts: Parts): object {
  for (const [method, path, handle] of routes) {
    const match = method === request.method ? path.exec(request.path) : null
    if (match) return handle(request, match[1] ?? '', parts)
  }
  throw invalidRequest(`Unrecognized request URL (${request.method}: ${request.path}).`, undefined, 404)
}
