/**
 * Where a provider's queue says that work has ended: `/killatamata/media/provider-callbacks/<request>/<attempt>/<48 characters>`. The
 * characters follow from the request and the attempt under a key of the installation, so that nobody but the queue that was given the
 * address can send there. What it says is not believed: it names the work, by which an id that was lost is known again, and how the
 * work stands the queue is asked itself.
 */
import { createHmac } from 'node:crypto'
import { z } from 'zod'
import type { CommandContext } from '../../../commands/handle.ts'
import { isRunning, mediaJob } from '../../../commands/killatamata/media-job.ts'
import { jsonIn } from '../../../runtime/json-in.ts'
import { isSameSecret } from '../../../runtime/secret.ts'
import type { ObjectKeys } from '../../../vault/object-keys.ts'
import type { Media } from './parts.ts'

export const PROVIDER_CALLBACKS_PATH = '/killatamata/media/provider-callbacks'
const KIND = 'killatamata.providerCallbacks'
const INSTALLATION = 'installation'
const TOKEN_LENGTH = 48
const PATH = /^\/killatamata\/media\/provider-callbacks\/([0-9a-f-]{36})\/([1-9]\d{0,8})\/([A-Za-z0-9_-]{48})$/

export interface CallbackAddress {
  requestId: string
  attempt: number
}

export interface ProviderCallbacks {
  urlOf(requestId: string, attempt: number): Promise<string>
  /** Undefined: it is no address that was ever given to a queue. */
  read(path: string): Promise<CallbackAddress | undefined>
}

/** `apiUrl`: where clients reach the API, without a slash at its end. */
export function createProviderCallbacks(keys: Pick<ObjectKeys, 'ensure'>, apiUrl: () => string): ProviderCallbacks {
  const tokenOf = async (requestId: string, attempt: number) => {
    const key = await keys.ensure(KIND, INSTALLATION)
    return createHmac('sha384', key).update(`${requestId}/${attempt}`).digest('base64url').slice(0, TOKEN_LENGTH)
  }
  return {
    urlOf: async (requestId, attempt) =>
      `${apiUrl()}${PROVIDER_CALLBACKS_PATH}/${requestId}/${attempt}/${await tokenOf(requestId, attempt)}`,
    async read(path) {
      const [, requestId, number, token] = PATH.exec(path) ?? []
      if (!requestId || !number || !token) return undefined
      const attempt = Number(number)
      return isSameSecret(await tokenOf(requestId, attempt), token) ? { requestId, attempt } : undefined
    },
  }
}

const named = z.object({ request_id: z.string() })

/** The body may say anything. Without effect where the work is known, or is of an attempt that is over. */
export async function takeProviderCallback(
  { bus, providerOf }: Pick<Media, 'bus' | 'providerOf'>,
  { requestId, attempt }: CallbackAddress,
  body: Uint8Array,
  context: CommandContext,
): Promise<void> {
  const state = await bus.current(mediaJob, requestId)
  if (!isRunning(state)) return
  const provider = providerOf(state.facts.job.task)
  const read = named.safeParse(jsonIn(Buffer.from(body).toString('utf8')))
  const ref = read.success ? provider?.refOf?.(state.facts.job.task, read.data.request_id) : undefined
  if (!provider || ref === undefined) return
  const command = { kind: 'submitted', attempt, provider: provider.name, ref, at: context.at } as const
  await bus.handle(mediaJob, requestId, command, context)
}
