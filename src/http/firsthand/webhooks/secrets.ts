/** The secrets of endpoints in answers. One is shown to whoever sends the request again, as long as its answer may have got lost. */
import { Rejected } from '../../../commands/firsthand/rejection.ts'
import { endpointNotFound } from '../../../commands/firsthand/webhook-endpoint.ts'
import { newSecretWith, openSecretWith } from '../../../processes/firsthand/webhooks.ts'
import { ObjectKeyDestroyed } from '../../../vault/object-keys.ts'
import type { SealedSecret } from '../../../webhooks/endpoint.ts'
import type { WebhookParts } from '../access.ts'

/** How long a repeat is shown the secret. */
const SHOWN_MS = 86_400_000

/** Makes a sealed secret. Rejects with webhook_not_configured where the endpoint is being deleted. */
export async function newSecret({ keys }: WebhookParts, endpointId: string): Promise<SealedSecret> {
  try {
    return await newSecretWith(keys)(endpointId)
  } catch (error) {
    throw error instanceof ObjectKeyDestroyed ? endpointNotFound() : error
  }
}

/** The secret that was made at this time. Rejects with webhook_secret_hidden where that is too long ago, or it is gone. */
export async function shownSecret(
  { keys }: WebhookParts,
  endpointId: string,
  made: (SealedSecret & { at: string }) | undefined,
  now: string,
): Promise<string> {
  if (made && Date.parse(now) - Date.parse(made.at) < SHOWN_MS) {
    return openSecretWith(keys)(made.sealed, { endpointId, secretId: made.secretId })
  }
  throw new Rejected('webhook_secret_hidden', `The secret of ${endpointId} is shown no more: rotate it.`)
}
