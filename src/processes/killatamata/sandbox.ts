/** The sandbox's accounts: made on an instance's first run, so that a newcomer has keys to try the API with. */
import { join } from 'node:path'
import { z } from 'zod'
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

/**
 * Sees to it that the three accounts exist, with the keys in the file. Safe to repeat; one that was forgotten since stays so. Where
 * another process on this log has opened them already, each gets a further key, and the file says which account it is.
 */
export async function ensureSandbox(parts: SignInParts, directory: string, { url: origin, now, facts }: Place) {
  const place = { url: `${origin}/killatamata`, ...facts }
  const file = join(directory, 'sandbox-killatamata.json')
  const newcomer = (email: string): Kept => {
    const { apiKey } = generateApiKey(now().toISOString())
    return { account_id: prefixedId('acct', now().toISOString(), apiKey), api_key: apiKey, email }
  }
  const newcomers = () => ({
    account: newcomer(PEOPLE.account),
    other_account: newcomer(PEOPLE.other_account),
    admin: newcomer(PEOPLE.admin),
  })
  const { kept, created } = await keepKeysFile(file, fileSchema, place, newcomers)
  const opened: Partial<Record<keyof typeof PEOPLE, Kept>> = {}
  for (const who of Object.keys(PEOPLE) as (keyof typeof PEOPLE)[]) {
    const { status } = await parts.bus.load(account, kept[who].account_id)
    if (status === 'forgotten') continue
    const accountId = await open(parts, kept[who], now)
    opened[who] = { ...kept[who], account_id: accountId }
    if (who !== 'admin') continue
    const context = firstRunContext(accountId, 'admin', now)
    await parts.bus.handle(account, accountId, { kind: 'setAdmin', accountId, isAdmin: true, at: context.at }, context)
  }
  await keepKeysFile(file, fileSchema, { ...place, ...opened }, newcomers)
  return { file, apiKey: kept.account.api_key, created }
}

/** The account that this address has, which may be another than the file's; the file's key opens it from now on. */
async function open(
  parts: SignInParts,
  { account_id: wanted, api_key: apiKey, email }: Kept,
  now: () => Date,
): Promise<string> {
  const entering = firstRunContext(wanted, 'open', now)
  const { accountId } = await enterByHouse(parts, { accountId: wanted, email }, entering)
  const facts = keyFactsOf(apiKey, entering.at)
  if (!facts) throw new Error('the file of the sandbox accounts holds no API key; remove the file')
  const state = await parts.bus.load(account, accountId)
  if (state.status !== 'absent' && state.keys.values().some(({ textId }) => textId === facts.textId)) return accountId
  const key = { ...facts, label: 'first run' }
  const issuing = firstRunContext(accountId, `key ${facts.textId}`, now)
  await issueKey(parts, { accountId, key, source: 'sandbox', hasRoom: true }, issuing)
  return accountId
}
