/**
 * Command ids and fingerprints are hashes of requests, and stay in the log for ever. They must give nothing of a person's
 * text away. Somebody may know the rest of the request, and try texts one by one. So in the place of the text they are
 * made of a digest that takes the person's key. With the key, that possibility goes as well.
 */
import type { CommandBus } from '../../commands/handle.ts'
import { user } from '../../commands/noctant/user.ts'
import { keyedDigest, type PersonKeys } from '../../events/sealing.ts'

export interface DigestDeps {
  bus: CommandBus
  personKeys: PersonKeys
}

/** The facts with digests for these texts; as they are where there is no text, or no such user. Throws PersonKeysUnavailable. */
export async function withDigests<Facts extends { globalUserId: string }>(
  { bus, personKeys }: DigestDeps,
  facts: Facts,
  names: readonly (keyof Facts & string)[],
): Promise<Readonly<Record<string, unknown>>> {
  const texts = names.filter((name) => facts[name] !== null)
  const person = facts.globalUserId.toLowerCase()
  if (texts.length === 0 || (await bus.load(user, person)).status === 'absent') return facts
  const key = (await personKeys.ensure([person])).get(person)
  return { ...facts, ...Object.fromEntries(texts.map((name) => [name, keyedDigest(key, name, String(facts[name]))])) }
}
