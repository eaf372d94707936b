/** A key of a request stands for that request, for ever, whatever the request is about: other content under it is refused. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operations } from '../../../src/http/killatamata/operations.ts'
import { REQUEST_KEY, requestKey } from '../../../src/http/killatamata/request-key.ts'
import { eventually } from '../../projections/support.ts'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'
import { createPayer } from './x402-payer.ts'

let served: ServedKillatamata
let ada: Customer
let admin: Customer
beforeAll(async () => {
  served = await startKillatamata({ env: { X402_POLL_MS: '20' } })
  ada = await served.customer('ada')
  admin = await served.customer('root', { isAdmin: true })
}, 60_000)
afterAll(() => served.stop())

interface Sent {
  body: object
  headers?: Record<string, string>
}
/** Two requests that differ, each of which would be done. */
interface Pair {
  first: Sent
  other: Sent
  by?: Customer
}

const twice = async <T>(make: () => Promise<T>) => [await make(), await make()] as const
const made = async (path: string, body: object, key = ada.key) => (await served.post(path, body, key)).body
const project = async () => (await made('studio/projects', { title: 'Sea' })).project.projectId as string
const thread = async () => (await made('studio/threads', { projectId: await project() })).thread.threadId as string
const text = async () =>
  (await made('studio/assets/text', { projectId: await project(), title: 'Notes', content: '# One' })).asset
    .assetId as string
const board = async () =>
  (await made('studio/assets/storyboards', { projectId: await project(), title: 'Film' })).asset.assetId as string
const slugged = () => ({
  slug: `game-${randomUUID().slice(0, 8)}`,
  title: 'Drift',
  shortDescription: 'D.',
  description: 'A.',
})
const release = async () => {
  const { game } = await made('arcade/games', slugged())
  return (await served.release(game.gameId, ada.key)).release.releaseId as string
}
const session = async () => {
  const game = slugged()
  const { gameId } = (await made('arcade/games', game)).game
  const { releaseId } = (await served.release(gameId, ada.key)).release
  const patch = (path: string, body: object, key: string) => served.ask('PATCH', `/api/v1/${path}`, { body, key })
  await patch('arcade/releases/submit', { releaseId }, ada.key)
  await patch('arcade/review/release', { releaseId, action: 'approve' }, admin.key)
  await patch('arcade/review/release', { releaseId, action: 'publish', channel: 'live' }, admin.key)
  const launch = { slug: game.slug, channel: 'live', idempotencyKey: randomUUID() }
  return (await made('arcade/launch-sessions', launch)).session.sessionId as string
}
const submitted = async () => {
  const releaseId = await release()
  await served.ask('PATCH', '/api/v1/arcade/releases/submit', { body: { releaseId }, key: ada.key })
  return releaseId
}
const card = async () => {
  const opened = await made('checkout/stripe', { packageCode: 'starter_500' })
  await served.stripe.pay(opened.checkoutUrl, 'success')
  return opened.sessionId as string
}
const charge = async () => {
  const { chargeId } = await made('checkout/crypto', { packageCode: 'starter_500' })
  await served.order(`/control/coinbase/charges/${chargeId}/confirm`, { deliver: false })
  return chargeId as string
}
const plan = async () => {
  await served.credited(ada, 5_000_000n)
  const prompt = { projectId: await project(), prompt: 'image: a lighthouse' }
  return (await made('studio/agent/messages/prepare', prompt)).approvalPlan.approvalPlanId as string
}
const of = ([one, two]: readonly [object, object], by?: Customer): Pair => ({
  ...{ first: { body: one }, other: { body: two } },
  ...(by && { by }),
})

async function x402(): Promise<Pair> {
  const payer = createPayer(served.sandbox)
  const [one, two] = await twice(() => payer.sign(100))
  // The same words with another payment pay a second time, which nobody means by a repeat.
  const sent = (header: string): Sent => ({ body: { usdCents: 100 }, headers: { 'payment-signature': header } })
  return { first: sent(one.header), other: sent(two.header) }
}

const pairs: Readonly<Record<string, () => Promise<Pair>>> = {
  async applyAsAffiliate() {
    const of_ = { displayName: 'Ada', contactEmail: 'ada@example.com' }
    await made('affiliates/me/apply', of_)
    // It has applied with these words before, so that nothing is recorded of it.
    return of([of_, { ...of_, displayName: 'Ada L.' }])
  },
  updateAffiliate: async () => of([{ displayName: 'Ada' }, { displayName: 'Ada K.' }]),
  async bindAffiliateCode() {
    const [one, two] = await twice(async () => {
      const { key } = await served.customer('referrer')
      await made('affiliates/me/apply', { displayName: 'Ben', contactEmail: 'ben@example.com' }, key)
      return (await served.get('affiliates/me/code', key)).body.code as string
    })
    return of([{ code: one }, { code: two }])
  },
  async approveDeviceLink() {
    const [one, two] = await twice(() => made('device/link/start', {}))
    return of([{ userCode: one.userCode }, { userCode: two.userCode }])
  },
  checkoutStripe: async () => of([{ packageCode: 'starter_500' }, { packageCode: 'builder_2000' }]),
  checkoutCrypto: async () => of([{ packageCode: 'starter_500' }, { packageCode: 'builder_2000' }]),
  claimStripe: async () => of((await twice(card)).map((sessionId) => ({ sessionId })) as never),
  claimCrypto: async () => of((await twice(charge)).map((chargeId) => ({ chargeId })) as never),
  async revokeKey() {
    const [one, two] = await twice(() => made('keys', {}))
    return of([{ keyId: one.keyId }, { keyId: two.keyId }])
  },
  ...{ purchaseByX402: x402, depositByX402: x402 },
  createArcadeGame: async () => of([slugged(), slugged()]),
  submitArcadeRelease: async () => of((await twice(release)).map((releaseId) => ({ releaseId })) as never),
  reviewArcadeRelease: async () =>
    of((await twice(submitted)).map((releaseId) => ({ releaseId, action: 'approve' })) as never, admin),
  updateLaunchSession: async () =>
    of((await twice(session)).map((sessionId) => ({ sessionId, event: 'launched' })) as never),
  createStudioProject: async () => of([{ title: 'One' }, { title: 'Two' }]),
  updateStudioProject: async () =>
    of((await twice(project)).map((projectId) => ({ projectId, title: 'Shore' })) as never),
  async updateStudioSettings() {
    const choice = { defaultAgentModel: 'gpt-5.4', defaultReasoningLevel: 'high' }
    return of([choice, { ...choice, assistantDisplayName: 'Two' }])
  },
  createStudioThread: async () => of((await twice(project)).map((projectId) => ({ projectId })) as never),
  selectStudioThread: async () => of((await twice(thread)).map((threadId) => ({ threadId })) as never),
  updateStudioThread: async () => of((await twice(thread)).map((threadId) => ({ threadId, title: 'Talk' })) as never),
  createStudioTextAsset: async () =>
    of((await twice(project)).map((projectId) => ({ projectId, title: 'T' })) as never),
  updateStudioTextDocument: async () => of((await twice(text)).map((assetId) => ({ assetId, content: 'C' })) as never),
  updateStudioAssetMetadata: async () =>
    of((await twice(text)).map((assetId) => ({ assetId, userMetadata: { a: 1 } })) as never),
  createStudioStoryboard: async () =>
    of((await twice(project)).map((projectId) => ({ projectId, title: 'T' })) as never),
  updateStudioStoryboardDocument: async () =>
    of((await twice(board)).map((assetId) => ({ assetId, storyboard: { version: 2, scenes: [] } })) as never),
  async importStudioStoryboard() {
    const [one, two] = await twice(text)
    const projectId = await project()
    return of([
      { projectId, sourceAssetId: one },
      { projectId, sourceAssetId: two },
    ])
  },
  async prepareStudioPrompt() {
    const projectId = await project()
    return of([
      { projectId, prompt: 'Hello' },
      { projectId, prompt: 'Goodbye' },
    ])
  },
  async sendStudioPrompt() {
    const projectId = await project()
    return of([
      { projectId, prompt: 'Hello' },
      { projectId, prompt: 'Goodbye' },
    ])
  },
  executeStudioApprovalPlan: async () => of((await twice(plan)).map((approvalPlanId) => ({ approvalPlanId })) as never),
}

/** Tested with what they need: a secret that is not shown twice, money that is payable, and bytes in place of a body. */
const ELSEWHERE = ['createKey', 'requestAffiliatePayout', 'uploadStudioAsset']

const keyed = operations.filter(({ commanded }) => commanded.key === requestKey)

it('is tried with every operation that has one', () => {
  expect(
    keyed
      .map(({ id }) => id)
      .filter((id) => !ELSEWHERE.includes(id))
      .toSorted(),
  ).toStrictEqual(Object.keys(pairs).toSorted())
})

describe.each(keyed.filter(({ id }) => id in pairs))('the key of $id', ({ id, method, path }) => {
  it('stands for one request', async () => {
    const { first, other, by = ada } = await pairs[id]!()
    const key = randomUUID()
    const send = ({ body, headers = {} }: Sent) =>
      served.ask(method.toUpperCase(), path, { body, key: by.key, headers: { ...headers, [REQUEST_KEY]: key } })
    const done = await send(first)
    expect([done.status, done.body]).toStrictEqual([expect.toSatisfy((status) => status < 300), done.body])
    const again = await send(first)
    expect(again.status).toSatisfy((status) => status < 300)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const reused = await send(other)
    expect([reused.status, reused.body.code]).toStrictEqual([409, 'idempotency_key_reused'])
    // It was refused before it did anything: under a key of its own it is done.
    const own = { ...other.headers, [REQUEST_KEY]: randomUUID() }
    const after = await served.ask(method.toUpperCase(), path, { body: other.body, key: by.key, headers: own })
    const isOver = ['bindAffiliateCode', 'applyAsAffiliate'].includes(id)
    expect(after.status).toSatisfy((status) => (isOver ? status === 409 : status < 300))
  })
})

it('whose request changed nothing is answered without a change for ever', async () => {
  const projectId = await project()
  const rename = (title: string, key: string) =>
    served.ask('PATCH', '/api/v1/studio/projects/update', {
      ...{ body: { projectId, title }, key: ada.key, headers: { [REQUEST_KEY]: key } },
    })
  const key = randomUUID()
  expect((await rename('Sea', key)).body.project.title).toBe('Sea')
  expect((await rename('Shore', randomUUID())).body.project.title).toBe('Shore')
  expect((await rename('Sea', key)).headers.get('idempotency-replayed')).toBe('true')
  const { projects } = (await served.get('studio/snapshot', ada.key)).body.workspace
  expect(projects.find((each: { projectId: string }) => each.projectId === projectId).title).toBe('Shore')
})

it('of a refused request may be used for another one', async () => {
  const key = randomUUID()
  const claim = (sessionId: string) => served.post('claim/stripe', { sessionId }, ada.key, { [REQUEST_KEY]: key })
  expect((await claim('cs_test_none')).status).toBe(404)
  expect((await claim(await card())).status).toBe(200)
})

it('sent with two requests at once stands for one of them', async () => {
  const [one, two] = await twice(card)
  const key = randomUUID()
  const claim = (sessionId: string) => served.post('claim/stripe', { sessionId }, ada.key, { [REQUEST_KEY]: key })
  const before = (await served.get('balance', ada.key)).body.usdBalanceMicros
  const answers = await Promise.all([claim(one), claim(two)])
  expect(answers.map(({ status }) => status).toSorted()).toStrictEqual([200, 409])
  await eventually(async () => {
    expect((await served.get('balance', ada.key)).body.usdBalanceMicros).toBe(before + 5_000_000)
  })
})
