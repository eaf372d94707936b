/** The sandbox organization: made on an instance's first run, so that a newcomer has keys and credits to try. */
import { join } from 'node:path'
import { z } from 'zod'
import { hashKey } from '../../api-keys/key-text.ts'
import { generateApiKey, textIdOf } from '../../commands/firsthand/api-key.ts'
import { organization } from '../../commands/firsthand/organization.ts'
import { wallet, walletIdOf } from '../../commands/firsthand/wallet.ts'
import { worker } from '../../commands/firsthand/worker.ts'
import { generateWorkerToken, workerTextIdOf } from '../../commands/firsthand/worker-token.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { fingerprintOf } from '../../commands/identity.ts'
import { type Environment, scope } from '../../events/firsthand/vocabulary.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import { firstRunContext, keepKeysFile } from '../first-run.ts'

const fileSchema = z.object({
  url: z.string(),
  organization_id: z.string(),
  live_key: z.string(),
  test_key: z.string(),
  worker_id: z.string(),
  worker_token: z.string(),
})

const FREE_CREDITS_CENTS = 100_000n
/** Sees to it that the sandbox organization, its keys and its credits exist. Safe to repeat. */
export async function ensureSandbox(bus: CommandBus, directory: string, url: string, now: () => Date) {
  const file = join(directory, 'sandbox-firsthand.json')
  const { kept, created } = await keepKeysFile(file, fileSchema, { url }, () => {
    const [live_key, test_key] = [generateApiKey('live').secret, generateApiKey('test').secret]
    const { secret: worker_token } = generateWorkerToken()
    const at = now().toISOString()
    const worker_id = prefixedId('wkr', at, worker_token)
    return { organization_id: prefixedId('org', at, live_key), live_key, test_key, worker_id, worker_token }
  })
  const { organization_id: organizationId, live_key: apiKey } = kept
  const context = (action: string) => firstRunContext(organizationId, action, now)
  if ((await bus.load(organization, organizationId)).status === 'absent') {
    const facts = { organizationId, name: 'Sandbox', tier: 'unlimited' as const }
    const create = context('create')
    await bus.handle(organization, organizationId, { kind: 'create', facts, at: create.at }, create)
  }
  for (const environment of ['live', 'test'] as const) {
    await issue(bus, organizationId, environment, kept[`${environment}_key`], context(`${environment} key`))
  }
  const of = { organizationId, environment: 'live' as const }
  const grant = { kind: 'grant', wallet: of, credits: 'free_tier', amountCents: FREE_CREDITS_CENTS } as const
  const reason = 'to try the API with'
  const granting = { ...context('credits'), fingerprint: fingerprintOf({ credits: 'first run' }) }
  await bus.handle(wallet, walletIdOf(of), { ...grant, endsAt: null, reason, at: granting.at }, granting)
  await employ(bus, kept, context)
  return { file, apiKey, created }
}

/** A worker, to try the other side with. */
async function employ(
  bus: CommandBus,
  { worker_id: workerId, worker_token: text }: { worker_id: string; worker_token: string },
  context: (action: string) => ReturnType<typeof firstRunContext>,
): Promise<void> {
  const textId = workerTextIdOf(text)
  if (textId === undefined) throw new Error('the file of the sandbox organization holds no worker’s token; remove it')
  const registering = context('worker')
  const register = { kind: 'register', workerId, name: 'Sandbox', email: null, synthetic: false } as const
  await bus.handle(worker, workerId, { ...register, at: registering.at }, registering)
  const issuing = context('worker token')
  const tokenId = prefixedId('tok', issuing.at, textId)
  const token = { tokenId, textId, tokenHash: hashKey(text), hint: text.slice(-4) }
  await bus.handle(worker, workerId, { kind: 'issueToken', workerId, token, at: issuing.at }, issuing)
}

async function issue(
  bus: CommandBus,
  organizationId: string,
  environment: Environment,
  text: string,
  context: ReturnType<typeof firstRunContext>,
): Promise<void> {
  const textId = textIdOf(text)
  if (textId === undefined) throw new Error('the file of the sandbox organization holds no API key; remove the file')
  const key = {
    ...{ keyId: prefixedId('key', context.at, textId), textId, keyHash: hashKey(text), hint: text.slice(-4) },
    ...{ name: 'first run', scopes: [...scope.options], environment, expiresAt: null },
  }
  await bus.handle(
    organization,
    organizationId,
    { kind: 'createKey', key, by: null, keysMax: 100, at: context.at },
    context,
  )
}
