/**
 * Whether an instance stands in for the providers that nobody gave it, and what it then works with. Contexts' pages put the stand-ins
 * themselves in, which this layer does not know.
 */
import type { X402Network } from '../../adapters/x402/chain.ts'
import type { ContextParts } from '../../context.ts'
import { readMailbox } from '../../projections/mail.ts'
import { InvalidConfiguration } from '../../runtime/invalid-configuration.ts'
import { newProcessHealth } from '../process.ts'
import { type KillatamataSettings, killatamataSettings } from './settings.ts'

/** What stands in for whom. */
export interface StandIns {
  url: string
  stripe: { url: string; secretKey: string; webhookSecret: string }
  coinbase: { url: string; apiKey: string; webhookSecret: string }
  google: { clientId: string; keysUrl: string }
  x402: { network: X402Network; relayerKey: `0x${string}` } | undefined
  /** As the sandbox's file has them. */
  facts: object
  close(): Promise<void>
}

/** What the stand-in of a provider's queue is to make. */
export interface StandInOrder {
  task: string
  input: Record<string, unknown>
  sources: { field: string; index: number; mimeType: string; bytes: Uint8Array }[]
}

/** By the same renderers as jobs that are done here; what it needs is loaded when it is first asked. */
interface Maker {
  make(order: StandInOrder): Promise<{ name: string; mimeType: string; bytes: Uint8Array }[]>
  close(): Promise<void>
}

function makerOf(directory: string, limits: KillatamataSettings): Maker {
  let opening: Promise<Maker> | undefined
  return {
    async make(order) {
      opening ??= import('./media/stand-in-maker.ts').then(({ openStandInMaker }) =>
        openStandInMaker(directory, limits),
      )
      return (await opening).make(order)
    },
    close: async () => (await opening)?.close(),
  }
}

interface Wanted {
  directory: string
  apiUrl: () => string
  stripe: Awaited<ReturnType<ContextParts['services']['stripeStandIn']>>
  mails: (to: string | undefined) => Promise<{ to: string; subject: string; text: string; receivedAt: string }[]>
  hasChain: boolean
  maker: Maker
  log: { warn(fields: object, message: string): void }
}

export type StartStandIns = (wanted: Wanted) => Promise<StandIns>

/** The stand-ins of this process; undefined: it works with real providers, or with none. */
export type Sandbox = (parts: ContextParts) => Promise<StandIns | undefined>

const STRIPE_WEBHOOK_PATH = '/killatamata/api/v1/webhooks/stripe'
/** Beside that of another context. */
const STRIPE_DIRECTORY = 'stripe-killatamata'
const MAILS_MAX = 200

const REAL = [
  ...(['KILLATAMATA_STRIPE_SECRET_KEY', 'COINBASE_API_KEY', 'GOOGLE_CLIENT_ID'] as const),
  ...(['X402_RELAYER_KEY', 'X402_FACILITATOR_URL', 'MEDIA_QUEUE_KEY'] as const),
]
const givenReal = (settings: KillatamataSettings) => REAL.filter((name) => settings[name] !== undefined)

/** Throws InvalidConfiguration where it is asked for beside a provider's own key. */
export function isSandbox({
  config,
  services,
  settings,
}: Pick<ContextParts, 'config' | 'services' | 'settings'>): boolean {
  const given = settings(killatamataSettings)
  const real = givenReal(given)
  const mayBe = ['api', 'relay'].every((role) => config.ROLES.includes(role as never))
  if (given.KILLATAMATA_SANDBOX === 'off') return false
  if (given.KILLATAMATA_SANDBOX === 'auto') {
    return mayBe && real.length === 0 && services.eventStore.kind === 'embedded'
  }
  if (real.length > 0) {
    throw new InvalidConfiguration(`KILLATAMATA_SANDBOX=on stands in for providers: leave out ${real.join(', ')}.`)
  }
  if (!mayBe) throw new InvalidConfiguration('KILLATAMATA_SANDBOX=on needs one process with the roles api and relay.')
  return true
}

/** Starts them when they are first asked for, once for a data directory, and ends them with the instance. */
export function sandboxOf(start: StartStandIns): Sandbox {
  const running = new Map<string, Promise<StandIns>>()

  async function begin(parts: ContextParts): Promise<StandIns> {
    const { config, services, db, apiUrl } = parts
    const { signal, log } = parts.dependenciesOf('killatamata-stand-ins', newProcessHealth())
    const standIns = await start({
      ...{ directory: `${config.DATA_DIR}/killatamata`, apiUrl, log },
      stripe: await services.stripeStandIn(STRIPE_WEBHOOK_PATH, STRIPE_DIRECTORY),
      hasChain: parts.settings(killatamataSettings).X402_NETWORKS.length === 0,
      maker: makerOf(`${config.DATA_DIR}/media/queue-stand-in`, parts.settings(killatamataSettings)),
      async mails(to) {
        const { mails } = await readMailbox(db, { context: 'killatamata', to, limit: MAILS_MAX })
        return mails.map(({ recipient, subject, body, sent_at }) => ({
          ...{ to: recipient, subject, text: body, receivedAt: sent_at },
        }))
      },
    })
    let ending: Promise<void> | undefined
    const close = () => {
      ending ??= standIns.close()
      running.delete(config.DATA_DIR)
      return ending
    }
    signal.addEventListener('abort', () => void close(), { once: true })
    return { ...standIns, close }
  }

  return async (parts) => {
    if (!isSandbox(parts)) return undefined
    const { DATA_DIR } = parts.config
    const starting = running.get(DATA_DIR) ?? begin(parts)
    running.set(DATA_DIR, starting)
    return starting
  }
}
