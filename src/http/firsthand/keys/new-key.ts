/**
 * New API keys. A key's text follows from the instance's key and from the id of the command that makes it, and is stored
 * nowhere: a repeat of the request shows it again, as long as its answer may have got lost.
 */
import { hkdfSync } from 'node:crypto'
import { generateApiKey } from '../../../commands/firsthand/api-key.ts'
import { Rejected } from '../../../commands/firsthand/rejection.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import type { OrganizationEvent } from '../../../events/firsthand/organization.ts'
import type { Environment } from '../../../events/firsthand/vocabulary.ts'
import { prefixedId } from '../../../runtime/ulid.ts'
import { untilSo } from '../../../runtime/until-so.ts'
import type { FirsthandParts } from '../access.ts'

/** How long a repeat is shown the secret. */
const SHOWN_MS = 86_400_000

const derived = (instanceKey: Uint8Array, commandId: string, environment: Environment) => {
  let part = 0
  return generateApiKey(environment, (bytes) => {
    part += 1
    return new Uint8Array(hkdfSync('sha256', instanceKey, '', `opslog firsthand key ${commandId} ${part}`, bytes))
  })
}

/** The text of the key that this command makes, and its id. */
export function newKey({ instanceKeys }: FirsthandParts, environment: Environment, { commandId, at }: CommandContext) {
  const [current] = instanceKeys()
  if (!current) throw new Error('the instance has no key of its own')
  const { secret: _, ...text } = derived(current, commandId, environment)
  return { ...text, keyId: prefixedId('key', at, commandId) }
}

/** The key that a command has made, now or when it was first sent. Rejects where that is too long ago to show it. */
export async function madeKey(parts: FirsthandParts, events: readonly OrganizationEvent[], context: CommandContext) {
  const made = events.find((event) => event.type === 'firsthand.ApiKeyCreated.v1')?.data
  if (!made) throw new Error('the command has made no key')
  const secret =
    Date.parse(context.at) - Date.parse(made.occurredAt) < SHOWN_MS
      ? parts
          .instanceKeys()
          .map((key) => derived(key, context.commandId, made.environment))
          .find(({ keyHash }) => keyHash === made.keyHash)?.secret
      : undefined
  if (secret === undefined) {
    throw new Rejected(
      'api_key_ended',
      `${made.keyId} was made by this request before and is shown no more: rotate it.`,
    )
  }
  await isKnownHere(parts, made.textId)
  return { made, secret }
}

/** Waits, within bounds, until this process takes the key. */
const isKnownHere = ({ credentials, keyKnownWaitMs }: FirsthandParts, textId: string): Promise<boolean> =>
  untilSo(keyKnownWaitMs, () => credentials.find(textId) !== undefined)
