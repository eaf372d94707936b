/**
 * All stand-ins of killatamata in one place: private ones on loopback, for instances to which no provider is given. Their state is in a
 * directory of the instance, with the secrets that are made at the first start.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { StripeStandIn } from '../stripe/server.ts'
import { type SandboxChain, startSandboxChain } from './chain.ts'
import { coinbasePart } from './coinbase.ts'
import type { StandInPart } from './exchange.ts'
import { filesPart } from './files.ts'
import { googlePart, newGoogleKey } from './google.ts'
import { llmPart } from './llm.ts'
import { mailPart, type SandboxMail } from './mail.ts'
import { type QueueMaker, queuePart } from './queue.ts'
import { startStandInServer } from './server.ts'
import { sinkPart } from './sink.ts'
import { openStandInStore } from './store.ts'
import { stripePart } from './stripe.ts'

export interface StandInOptions {
  directory: string
  /** Where clients reach the API, without a slash at its end. */
  apiUrl: () => string
  stripe: Pick<StripeStandIn, 'url' | 'keys'>
  /** The mails to an address, or all, newest first. */
  mails: (to: string | undefined) => Promise<SandboxMail[]>
  /** Whether a chain is wanted. */
  hasChain: boolean
  /** Makes what the queue is asked for. */
  maker: QueueMaker
  log: { warn(fields: object, message: string): void }
}

const secrets = z.object({ apiKey: z.string(), webhookSecret: z.string() })
const keptSchema = z.object({
  port: z.int(),
  coinbase: secrets,
  google: z.object({ kid: z.string(), private_key_pem: z.string() }),
  clientId: z.string(),
})
type Kept = z.output<typeof keptSchema>

const GOOGLE_ISSUER = 'https://accounts.google.com'
const random = () => randomBytes(24).toString('hex')

function kept(file: string): Kept {
  if (existsSync(file)) return keptSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  return {
    port: 0,
    coinbase: { apiKey: `cc_${random()}`, webhookSecret: random() },
    google: newGoogleKey(`sandbox-${randomBytes(4).toString('hex')}`),
    clientId: `${randomBytes(6).toString('hex')}.apps.example`,
  }
}

function keep(file: string, content: Kept): void {
  writeFileSync(`${file}.new`, JSON.stringify(content), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

export type StandIns = Awaited<ReturnType<typeof startStandIns>>

/** Resolves when all of them answer. Without a chain for this platform the rest goes on. */
export async function startStandIns(options: StandInOptions) {
  const { directory, apiUrl, stripe, mails, maker, log } = options
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = join(directory, 'stand-ins.json')
  const secretsOf = kept(file)
  const store = openStandInStore(join(directory, 'stand-ins.db'))
  const chain = options.hasChain ? await chainOr(join(directory, 'chain'), log) : undefined
  const webhook = (provider: string) => () => `${apiUrl()}/killatamata/api/v1/webhooks/${provider}`

  const partsAt = async (url: string): Promise<StandInPart[]> => [
    stripePart({ standIn: stripe, target: webhook('stripe') }),
    coinbasePart({ url, store, ...secretsOf.coinbase, target: webhook('crypto') }),
    googlePart(secretsOf.google),
    mailPart(mails),
    sinkPart(store),
    filesPart(store),
    llmPart(),
    queuePart({ url, store, maker, log }),
    ...(chain ? [chain.part] : []),
  ]
  const server = await startStandInServer(secretsOf.port, partsAt)
  keep(file, { ...secretsOf, port: server.port })
  const { url } = server
  const { google, coinbase, clientId } = secretsOf
  return {
    url,
    stripe: { url: stripe.url, ...stripe.keys.test },
    coinbase: { ...coinbase, url: `${url}/coinbase` },
    google: { clientId, keysUrl: `${url}/google/certs` },
    x402: chain && { network: chain.network, relayerKey: chain.relayerKey },
    /** As the sandbox's file has them. */
    facts: {
      standins: url,
      ...(chain && { chain: chain.facts }),
      stripe: { api_url: `${url}/stripe`, webhook_secret: stripe.keys.test.webhookSecret },
      coinbase: { api_url: `${url}/coinbase`, webhook_secret: coinbase.webhookSecret },
      google: { issuer: GOOGLE_ISSUER, client_id: clientId, jwks_url: `${url}/google/certs`, ...google },
    },
    async close() {
      await server.close()
      store.close()
    },
  }
}

async function chainOr(directory: string, log: StandInOptions['log']): Promise<SandboxChain | undefined> {
  try {
    return await startSandboxChain({ directory, log })
  } catch (err) {
    if ((err as Error).name !== 'AnvilNotInstalled') throw err
    log.warn({ err }, 'the sandbox has no chain on this platform: nothing is paid by x402')
    return undefined
  }
}
