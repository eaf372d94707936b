/** The directory of admin tokens, each with its account, whose suspension locks all of them out. */
import { createKeyDirectory, hasPassed, type KeyDirectory } from '../../api-keys/key-directory.ts'
import { type AccountRow, accountProjection, accounts } from './account.ts'
import { type AdminTokenRow, adminTokenProjection, adminTokens } from './admin-token.ts'

export type TokenDirectory = KeyDirectory<{ account: AccountRow; token: AdminTokenRow }>

export const createTokenDirectory = (): TokenDirectory =>
  createKeyDirectory({
    context: 'rungate',
    streams: { 'rungate.account': accounts, 'rungate.adminToken': adminTokens },
    projections: [accountProjection, adminTokenProjection],
    keys: { table: adminTokens, textId: 'text_id' },
    entryOf(token, row) {
      const account = row(accounts, token.account_id)
      return account && { account, token }
    },
    hasEnded: ({ status, expires_at }, nowMs) => status === 'revoked' || hasPassed(expires_at, nowMs),
  })
