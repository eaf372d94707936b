/** How a provider key comes to be, and how what is sent changes one. */
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { changeProviderKey } from '../../../commands/rungate/changing.ts'
import { addProviderKey } from '../../../commands/rungate/creating.ts'
import { nameTaken } from '../../../commands/rungate/name.ts'
import { ownerOf } from '../../../commands/rungate/naming.ts'
import { providerKey, providerKeyNotFound } from '../../../commands/rungate/provider-key.ts'
import type { Operator, RungateParts } from '../access.ts'
import { requireOwn } from '../people/rights.ts'
import { acceptBaseUrl } from './base-url.ts'
import { sealProviderSecret } from './secrets.ts'

type Parts = Pick<RungateParts, 'bus' | 'providerSecrets' | 'providerAddresses'>

export async function addKey(
  parts: Parts,
  given: { provider: string; name: string; api_key: string; base_url?: string | null | undefined },
  { accountId, author }: Operator,
  command: CommandContext,
) {
  const { provider, name, api_key, base_url: baseUrl = null } = given
  await acceptBaseUrl(parts, provider, baseUrl)
  // Before a secret is sealed for nothing.
  if (await ownerOf(parts.bus, accountId, 'providerKey', name)) throw nameTaken(name)
  const keyId = deterministicId('rungate.providerKey', command.commandId)
  const secret = await sealProviderSecret(parts.providerSecrets, keyId, api_key)
  const facts = { accountId, keyId, author, ...secret, provider, name, baseUrl, occurredAt: command.at }
  return addProviderKey(parts.bus, facts, command)
}

/** Throws where the account has no such key (404), or the caller may not change it (403): whoever added it has it. */
export async function requireOwnKey({ bus }: Pick<RungateParts, 'bus'>, keyId: string, by: Operator): Promise<void> {
  const state = await bus.current(providerKey, keyId)
  if (state.status === 'absent' || state.facts.accountId !== by.accountId) throw providerKeyNotFound()
  requireOwn(by, { memberId: state.facts.author.id })
}

interface Change {
  provider?: string | undefined
  name?: string | undefined
  api_key?: string | undefined
  base_url?: string | null | undefined
}

/** What is not sent stays. */
export async function changeKey(parts: Parts, keyId: string, given: Change, by: Operator, command: CommandContext) {
  const state = await parts.bus.current(providerKey, keyId)
  if (state.status === 'absent' || state.status === 'deleted' || state.facts.accountId !== by.accountId) {
    throw providerKeyNotFound()
  }
  requireOwn(by, { memberId: state.facts.author.id })
  const { provider, name, base_url: baseUrl, api_key } = given
  if (baseUrl !== undefined) await acceptBaseUrl(parts, state.facts.provider, baseUrl)
  const change = {
    ...(provider !== undefined && { provider }),
    ...(name !== undefined && { name }),
    ...(baseUrl !== undefined && { baseUrl }),
    ...(api_key !== undefined && { secret: await sealProviderSecret(parts.providerSecrets, keyId, api_key) }),
  }
  return changeProviderKey(parts.bus, keyId, change, by, command)
}
