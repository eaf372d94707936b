/** A new key and the answer that shows it, this once. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import { generateApiKey } from '../../../commands/killatamata/keys.ts'
import type { KeySource } from '../../../events/killatamata/vocabulary.ts'
import { type Entered, issueKey } from '../../../processes/killatamata/signing-in.ts'
import { Problem } from '../../errors.ts'
import { text } from '../../schemas.ts'
import type { KillatamataParts } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { isKnownHere } from '../known-here.ts'

const LABEL_LENGTH_MAX = 64
/** 1 to 64 characters. */
export const label = text(LABEL_LENGTH_MAX, 1)

export const newKeyAnswer = z
  .object({
    ok: z.literal(true),
    ...{ accountId: z.string(), apiKey: z.string(), keyId: z.string(), keyPrefix: z.string() },
    label: z.string().nullable(),
    email: z.string(),
    createdAccount: z.boolean(),
  })
  .openapi('NewApiKeyResponse')

type Parts = Pick<KillatamataParts, 'signIn' | 'credentials' | 'knownWaitMs'>

interface Wanted {
  label: string | undefined
  source: KeySource
  /** Room was made for it before. */
  hasRoom?: boolean
}

/** Makes a key of the account. Answers once it opens this process. */
export async function makeKey(
  { signIn, credentials, knownWaitMs }: Parts,
  { accountId, email, isNew }: Entered,
  { label: given, source, hasRoom = false }: Wanted,
  command: CommandContext,
) {
  const { apiKey, facts } = generateApiKey(command.at)
  const key = { ...facts, label: given ?? null }
  const { position, replayed } = await issueKey(signIn, { accountId, key, source, hasRoom }, command)
  if (replayed) {
    throw new Problem<KillatamataCode>('secret_already_shown', 'The key of this request was shown before.')
  }
  await isKnownHere(knownWaitMs, () => credentials.find(facts.textId) !== undefined)
  const { keyId, keyPrefix } = facts
  const shown = { accountId, apiKey, keyId, keyPrefix, label: key.label, email, createdAccount: isNew }
  return { body: { ok: true as const, ...shown }, handled: { position, replayed: false } }
}
