/** The sandbox's accounts: made on an instance's first run, so that a newcomer has keys to try the API with. */
import { join } from 'node:path'
import { z } from 'zod'
import type { CommandContext } from '../../commands/handle.ts'
import { account } from '../../commands/killatamata/account.ts'
import { generateApiKey, keyFactsOf } from '../../commands/killatamata/keys.ts'
import { prefixedId } from '../../runtime/ulid.ts'
import { firstRunContext, keepKeysFile } from '../first-run.ts'
import { enterByHouse, issueKey, type SignInParts } from './signing-in.ts'

const kept = z.object({ account_id: z.string(), api_key: z.string(), email: z.string() })
type Kept = z.output<typeof kept>

const fileSchema = z.looseObject({ url: z.string(), account: kept, other_account: kept, admin: kept })

const PEOPLE = { account: 'sandbox@example.com', other_account: 'other@example.com', admin: 'admin@example.com' }

interface Place {
  /** Of the instance, without a path. */
  url: string
  now: () => Date
  /** Where the stand-ins are, and what they take; they may be others at each start. Undefined: there are none. */
  facts: object | undefined
}

/** Sees to it that the three accounts exist, with the keys in the file. Safe to repeat; one that was forgotten since stays so. */
export async function ensureSandbox(parts: SignInParts, directory: string, { url: origin, now, facts }: Place) {
  const url = `${origin}/killatamata`
  const file = join(directory, 'sandbox-killatamata.json')
  const newcomer = (email: string): Kept => {
    const { apiKey } = generateApiKey(now().toISOString())
    return { account_id: prefixedId('acct', now().toISOString(), apiKey), api_key: apiKey, email }
  }
  const { kept, created } = await keepKeysFile(file, fileSchema, { url, ...facts }, () => ({
    account: newcomer(PEOPLE.account),
    other_account: newcomer(PEOPLE.other_account),
    admin: newcomer(PEOPLE.admin),
  }))
  for (const who of Object.keys(PEOPLE) as (keyof typeof PEOPLE)[]) {
    const { account_id: accountId } = kept[who]
    const contextOf = (action: string) => firstRunContext(accountId, action, now)
    const { status } = await parts.bus.load(account, accountId)
    if (status === 'forgotten') continue
    await open(parts, kept[who], contextOf)
    if (who !== 'admin') continue
    const context = contextOf('admin')
    await parts.bus.handle(account, accountId, { kind: 'setAdmin', accountId, isAdmin: true, at: context.at }, context)
  }
  return { file, apiKey: kept.account.api_key, created }
}

async function open(
  parts: SignInParts,
  { account_id: accountId, api_key: apiKey, email }: Kept,
  contextOf: (action: string) => CommandContext,
): Promise<void> {
  const entering = contextOf('open')
  await enterByHouse(parts, { accountId, email }, entering)
  const facts = keyFactsOf(apiKey, entering.at)
  if (!facts) throw new Error('the file of the sandbox accounts holds no API key; remove the file')
  const state = await parts.bus.load(account, accountId)
  if (state.status === 'absent') throw new Error(`${email} has another account; remove the file of the sandbox`)
  if (state.keys.values().some(({ textId }) => textId === facts.textId)) return
  const key = { ...facts, label: 'first run' }
  await issueKey(parts, { accountId, key, source: 'sandbox', hasRoom: true }, contextOf('key'))
}
