/** Two accounts with credit, keys and checkouts. */
import { randomUUID } from 'node:crypto'
import { killatamata } from '../../../src/http/killatamata/api.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { type Customer, startKillatamata } from '../../http/killatamata/serving.ts'
import { bearer, mistyped, problemOf, UUID } from '../api.ts'
import type { Belongings } from '../ground.ts'
import { runOperationSuites } from '../operations.ts'

/** Minutes pass so fast that nobody's are used up. */
const HASTE = 1_000
const served = await startKillatamata({
  nowMs: () => performance.now() * HASTE,
  limits: { authFailuresPerMinuteMax: 1_000_000, anonymousPerMinuteMax: 1_000_000 },
  env: {
    ...{ ACCOUNT_REQUESTS_PER_MIN: '1000000', SIGN_IN_PER_CLIENT_PER_MIN: '1000000', KILLATAMATA_KEYS_MAX: '100000' },
    ...{ EMAIL_STARTS_PER_ADDRESS_PER_HOUR: '1000000', EMAIL_STARTS_PER_CLIENT_PER_HOUR: '1000000' },
    USER_CODE_MISSES_PER_CLIENT_PER_MIN: '1000000',
  },
})
const [ada, ben] = [await served.customer('ada'), await served.customer('ben')]

/** Without a body a key revokes itself, so that a suite needs many; each was used before, which is on record. */
const runs = Number(process.env.OPSLOG_HOSTILE_RUNS ?? 14)
const keys = await served.furtherKeys(ada, runs + 40)
const living = () => keys.find(({ textId }) => served.parts.credentials.find(textId)?.key.status === 'active')
const idTokens = await Promise.all(Array.from({ length: 200 }, () => served.idToken()))

/** Checkouts of both providers, the last of each paid. */
async function furnish(customer: Customer): Promise<Belongings> {
  const { key } = customer
  const { body: spare } = await served.post('keys', { label: 'spare' }, key)
  const { body: card } = await served.post('checkout/stripe', { packageCode: 'starter_500' }, key)
  const { body: charge } = await served.post('checkout/crypto', { packageCode: 'starter_500' }, key)
  await served.stripe.pay(card.checkoutUrl, 'success')
  await served.order(`/control/coinbase/charges/${charge.chargeId}/confirm`, { deliver: false })
  const links = []
  for (let n = 0; n < 4; n++) links.push((await served.post('device/link/start')).body)
  await served.credited(customer, 5_000_000n)
  const job = { task: 'moss.sound.effect', input: { prompt: 'rain' } }
  const { body: media } = await served.post('media/jobs', job, key)
  await served.post('device/link/approve', { userCode: links[0].userCode }, key)
  const { body: project } = await served.post('studio/projects', { title: 'Lighthouse' }, key)
  const { projectId } = project.project
  const { body: talk } = await served.post('studio/threads', { projectId }, key)
  const { body: text } = await served.post('studio/assets/text', { projectId, title: 'Notes', content: '# Fog' }, key)
  const { body: board } = await served.post('studio/assets/storyboards', { projectId, title: 'Film' }, key)
  const { body: asked } = await served.post('studio/agent/messages', { projectId, prompt: 'Hello' }, key)
  const slug = `game-${randomUUID().slice(0, 8)}`
  const facts = { slug, title: 'Star Drift', shortDescription: 'Drift.', description: 'A game.' }
  const { game } = (await served.post('arcade/games', facts, key)).body
  const { release } = await served.release(game.gameId, key)
  return new Map([
    ['projectId', [projectId]],
    ['threadId', [talk.thread.threadId]],
    ['assetId', [text.asset.assetId, board.asset.assetId]],
    ['sourceAssetId', [text.asset.assetId]],
    ['requestId', [asked.requestId]],
    ['gameId', [game.gameId]],
    ['releaseId', [release.releaseId]],
    ['keyId', [spare.keyId]],
    ['keyPrefix', [spare.keyPrefix]],
    ['sessionId', [card.sessionId]],
    ['chargeId', [charge.chargeId]],
    ['jobId', [media.externalJobId]],
    ['userCode', links.map(({ userCode }) => userCode)],
    ['deviceCode', [links[0].deviceCode]],
  ])
}
const [own, foreign] = [await furnish(ada), await furnish(ben)]
// Whoever has a code may use it, so that the other's are not among what it has.
for (const name of ['userCode', 'deviceCode']) foreign.delete(name)

/** Of an operation: what is wrong is counted, which is on record. */
const RECORDED: Readonly<Record<string, readonly number[]>> = {
  ...{ verifyEmail: [401], verifyBrowserEmail: [401], pollDeviceLink: [429] },
}

runOperationSuites({
  api: killatamata,
  url: served.url,
  store: served.store,
  credentials: {
    BearerAuth: {
      get good() {
        return bearer(living()?.key ?? '')
      },
      wrong: bearer(mistyped(ben.key)),
    },
    // What opens keys beside a key of the account.
    UnnamedKey: { good: await served.session(ada), wrong: bearer(mistyped(ben.key)) },
  },
  elsewhere: [bearer('nct_sandbox_none')],
  ...{ own, foreign },
  refusalOf: problemOf,
  requestId: UUID,
  idOfNothing: (name) => prefixedId(name === 'keyId' ? 'key' : 'none', new Date().toISOString(), randomUUID()),
  aliases: Object.fromEntries([...own.keys()].map((name) => [name, name])),
  recordsRefusals: (operation) => RECORDED[operation] ?? [],
  texts: { packageCode: ['starter_500', 'studio_10000', 'none_1'], idToken: idTokens },
  close: served.stop,
})
