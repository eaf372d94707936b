/** The directories of API keys and of sessions, each with its account: one that is forgotten opens nothing. */
import { createKeyDirectory, hasPassed, type KeyDirectory } from '../../api-keys/key-directory.ts'
import { type AccountRow, type ApiKeyRow, accountProjection, accounts, apiKeys } from './account.ts'
import { type SessionRow, sessionProjection, sessions } from './sign-in.ts'

export interface Credential {
  account: AccountRow
  key: ApiKeyRow
}
export type CredentialDirectory = KeyDirectory<Credential>

export const createCredentialDirectory = (): CredentialDirectory =>
  createKeyDirectory({
    context: 'killatamata',
    streams: { 'killatamata.account': accounts },
    projections: [accountProjection],
    keys: { table: apiKeys, textId: 'text_id' },
    entryOf(key, row) {
      const account = row(accounts, key.account_id)
      return account && { account, key }
    },
    hasEnded: ({ status }) => status !== 'active',
  })

export type SessionDirectory = KeyDirectory<{ account: AccountRow; session: SessionRow }>

/** By the cookie's hash. */
export const createSessionDirectory = (): SessionDirectory =>
  createKeyDirectory({
    context: 'killatamata',
    streams: { 'killatamata.account': accounts, 'killatamata.browserSession': sessions },
    projections: [accountProjection, sessionProjection],
    tables: [accounts, sessions],
    keys: { table: sessions, textId: 'cookie_hash' },
    entryOf(session, row) {
      const account = row(accounts, session.account_id)
      return account && { account, session }
    },
    hasEnded: ({ expires_at }, nowMs) => hasPassed(expires_at, nowMs),
  })
