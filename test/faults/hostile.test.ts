/**
 * Every operation of every served context against requests made from its own document, most of them with something wrong.
 * None may end in a 5xx but 503, every answer must be as documented, what the document forbids must be refused, and what
 * is refused must leave the log as it was.
 *
 * Seen to fail: with `isUuid` taking any text (9 operations), with the scope check left out (41), and with the query for
 * users not asking whose they are (5).
 */
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { feed } from '../../src/commands/noctant/feed.ts'
import { startApi, type TestOperator } from '../http/api.ts'
import { fundedAccount, newAccount } from '../http/noctant/books.ts'
import { comesUp } from '../support/come-up.ts'
import { type HostileRequest, hostileRequests, isReference } from './hostile-requests.ts'
import { type ServedOperation, servedOperations } from './served-contract.ts'

const requestsMin = Number(process.env.OPSLOG_HOSTILE_REQUESTS ?? 600)
const seed = Number(process.env.OPSLOG_SEED ?? 1)

/** An answer that takes longer is none. */
const ANSWER_MAX_MS = 10_000
const DAY_MS = 86_400_000
/** Minutes pass so fast that nobody's are used up: an auditor is held to a number of requests in each. */
const HASTE = 1_000
const api = await startApi({
  limits: { authFailuresPerMinuteMax: 1_000_000 },
  noctant: { keyRotationGraceMs: DAY_MS },
  nowMs: () => performance.now() * HASTE,
})
afterAll(() => api.stop())
const operations = await comesUp('the served documents', servedOperations(api.url))
const runsPerOperation = Math.ceil(requestsMin / operations.length)

/** Ids that an operator has, by the name under which answers and requests know them. */
type Belongings = Map<string, string[]>

const acme = await comesUp('an operator', api.addOperator())
const other = await comesUp('another operator', api.addOperator())
const own = await comesUp('what an operator has', furnish(acme))
const foreign = await comesUp('what another has', furnish(other))
const scopeless = await comesUp('a key without scopes', api.addKey(acme.operatorId, []))
const auditor = await api.addAuditor(acme.operatorId)
const keys = { acme: acme.key, scopeless: scopeless.key, wrong: `${other.key.slice(0, -1)}_` }

async function furnish(of: TestOperator): Promise<Belongings> {
  const belongings: Belongings = new Map()
  const funded = await fundedAccount(api, of)
  const plain = await newAccount(api, of, { provider_type: 'prop_firm' })
  for (const account of [funded, plain]) {
    remember(belongings, {
      external_account_id: account.externalAccountId,
      external_user_id: account.externalAccountId,
    })
    remember(belongings, { global_user_id: account.userId, account_id: account.accountId })
  }
  remember(belongings, { instance_id: funded.instanceId, feed_id: await grantedFeed(of) })
  for (const path of ['/v1/accounts', `/v1/challenges/${funded.instanceId}`, '/v1/products']) {
    remember(belongings, (await api.call('GET', path, { key: of.key })).body)
  }
  const idempotency_key = randomUUID()
  const payout = { external_account_id: funded.externalAccountId, amount: '100', idempotency_key }
  for (const body of [payout, { ...payout, reason: 'test' }]) {
    const what = 'reason' in body ? 'account-corrections' : 'payout-requests'
    remember(belongings, (await api.call('POST', `/v1/users/${funded.userId}/${what}`, { key: of.key, body })).body)
  }
  return belongings
}

async function grantedFeed({ operatorId }: TestOperator): Promise<string> {
  const feedId = randomUUID()
  const at = new Date().toISOString()
  const startsAt = '2026-01-05T00:00:00.000Z'
  const endsAt = '2026-01-06T00:00:00.000Z'
  const content = { symbol: 'EURUSD', kind: 'candles' as const, contentHash: 'fe'.repeat(32), rows: 1_440 }
  const context = () => ({
    commandId: randomUUID(),
    fingerprint: undefined,
    actor: { kind: 'admin' as const, id: 'test' },
    requestId: randomUUID(),
    correlationId: randomUUID(),
    traceparent: undefined,
    at,
  })
  await api.bus.handle(feed, feedId, { kind: 'import', facts: { feedId, ...content, startsAt, endsAt }, at }, context())
  await api.bus.handle(feed, feedId, { kind: 'grant', operatorId, from: null, to: null, at }, context())
  return feedId
}

/** Keeps every id that an answer tells. */
function remember(belongings: Belongings, answer: unknown): void {
  if (typeof answer !== 'object' || answer === null) return
  for (const [name, value] of Object.entries(answer)) {
    if (typeof value === 'object') remember(belongings, value)
    if (typeof value !== 'string' || !name.endsWith('_id') || name === 'request_id') continue
    const known = belongings.get(name) ?? []
    if (known.length < 20 && !known.includes(value)) belongings.set(name, [...known, value])
  }
}

type Whose = 'own' | 'foreign' | 'unknown'

/** Puts ids in the places that stand for them; nobody's where the operator has none, and now and then anyway. */
function referring(text: string, whose: Whose, pick: number): string {
  return text.replaceAll(/«(\w+):(\d+)»/g, (_, name: string, digits: string) => {
    const n = Number(digits)
    if (name === 'idempotency_key') return whose === 'own' ? `key-${n % 50}` : randomUUID()
    const known = (whose === 'foreign' ? foreign : own).get(name) ?? []
    const nobodys = whose === 'unknown' || known.length === 0 || (whose === 'own' && n % 10 === 9)
    return nobodys ? randomUUID() : (known[pick % known.length] ?? '')
  })
}

interface Outcome {
  status: number
  body: { code?: string; request_id?: string }
  /** What was sent, for the report of a failure. */
  sent: string
  /** What the document has against it. */
  fault: string | undefined
  wrote: boolean
}

const keyOf = ({ kind }: HostileRequest, context: string): string | undefined => {
  if (kind === 'no authentication') return undefined
  if (kind === 'a wrong key') return keys.wrong
  if (kind === 'no scope') return keys.scopeless
  return context === 'audit' ? auditor.key : keys.acme
}

/** Dots and nothing are an address of their own, of another operation. */
const segment = (text: string): string => (/^\.{0,2}$/.test(text) ? 'x' : encodeURIComponent(text))

async function send(operation: ServedOperation, request: HostileRequest, whose: Whose): Promise<Outcome> {
  const { context, method, parameters } = operation
  const texts = (of: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(of).map(([name, value]) => [name, referring(value, whose, request.pick)]))
  const given = { path: texts(request.path), query: texts(request.query) }
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => segment(given.path[name] ?? ''))
  const query = new URLSearchParams(given.query).toString()
  const target = `/${context}${path}${query && `?${query}`}`
  const body = request.body === undefined ? undefined : referring(request.body, whose, request.pick)
  const key = keyOf(request, context)
  const before = await api.store.head()
  const answer = await fetch(`${api.url}${target}`, {
    method,
    signal: AbortSignal.timeout(ANSWER_MAX_MS),
    headers: {
      ...(key && { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : request.headers),
    },
    ...(body === undefined ? {} : { body }),
  })
  const text = await answer.text()
  const after = await api.store.head()
  const faults = parameters.map((each) => {
    const value = each.in === 'header' ? undefined : given[each.in][each.name]
    return value === undefined ? undefined : operation.parameterFault(each, value)
  })
  return {
    status: answer.status,
    body: JSON.parse(text),
    sent: `${method} ${target} ${body ?? ''}`,
    fault: faults.find((each) => each !== undefined) ?? bodyFault(operation, body),
    wrote: before?.position !== after?.position,
  }
}

function bodyFault(operation: ServedOperation, body: string | undefined): string | undefined {
  if (body === undefined) return undefined
  try {
    return operation.bodyFault(JSON.parse(body))
  } catch {
    return 'is no JSON'
  }
}

/** Whether an address holds the id of the thing that it is about. */
const isAbout = ({ parameters }: ServedOperation): boolean =>
  parameters.some(({ name, required, schema }) => required && isReference(name, schema))

/** The statuses that a request may be answered with; undefined: any that is documented. */
function expected(operation: ServedOperation, { kind }: HostileRequest, { fault }: Outcome): number[] | undefined {
  switch (kind) {
    case 'no authentication':
    case 'a wrong key':
      return [401]
    case 'no scope':
      return [403]
    case 'another content type':
      return [415]
    case 'NUL or half a character':
    case 'a key twice':
    case 'a body that is no JSON object':
      return [400]
    case 'unknown ids':
    case 'foreign ids':
      if (fault) return [400]
      return isAbout(operation) ? [400, 404] : undefined
    case 'as documented':
    case 'one value off':
    case 'a member missing':
    case 'members that nobody knows':
      return fault ? [400, 404] : undefined
    default:
      return kind satisfies never
  }
}

function judge(operation: ServedOperation, request: HostileRequest, outcome: Outcome): void {
  const { status, body, sent, fault, wrote } = outcome
  const about = `${request.kind}: ${sent}\n${status} ${JSON.stringify(body).slice(0, 600)}\ndocument: ${fault ?? 'fits'}`
  expect(status < 500 || status === 503, `no 5xx but 503\n${about}`).toBe(true)
  expect(operation.answerFault(status, body), `an answer as documented\n${about}`).toBeUndefined()
  const statuses = expected(operation, request, outcome)
  if (statuses) expect(statuses, about).toContain(status)
  if (status < 400) return
  expect(body.code, `a code for programs\n${about}`).toMatch(/^[a-z_]+$/)
  expect(body.request_id, `the request's id\n${about}`).toMatch(/^[0-9a-f-]{36}$/)
  // That an auditor has looked for what is not there is on record all the same.
  if (operation.context === 'audit' && status === 404) return
  if (status !== 409 && status !== 503) expect(wrote, `what is refused writes nothing\n${about}`).toBe(false)
}

/** Operations that did what was asked at least once: without them the refusals would prove little. */
const done = new Set<string>()

const family = ({ status, body }: Outcome) => (status < 300 ? 'done' : `${status} ${body.code}`)

describe.each(operations.map((operation) => [operation.title, operation] as const))('%s', (_, operation) => {
  it('holds against hostile requests', { timeout: 600_000 }, async () => {
    const property = fc.asyncProperty(hostileRequests(operation), async (request) => {
      if (request.kind === 'foreign ids') {
        const foreigner = await send(operation, request, 'foreign')
        judge(operation, request, foreigner)
        const nobody = await send(operation, request, 'unknown')
        expect(family(foreigner), `the same as absent\n${foreigner.sent}\n${nobody.sent}`).toBe(family(nobody))
        return
      }
      const outcome = await send(operation, request, request.kind === 'unknown ids' ? 'unknown' : 'own')
      judge(operation, request, outcome)
      if (outcome.status >= 300) return
      done.add(operation.title)
      remember(own, outcome.body)
    })
    await fc.assert(property, { numRuns: runsPerOperation, seed, interruptAfterTimeLimit: 500_000, endOnFailure: true })
  })
})

it('most operations were also asked for what they can do', () => {
  const never = operations.map(({ title }) => title).filter((title) => !done.has(title))
  expect(never.length, never.join(', ')).toBeLessThan(operations.length / 3)
})
