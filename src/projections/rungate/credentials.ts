/** The directories of admin tokens and of sessions, each with its account, whose suspension locks all of them out. */
import { createKeyDirectory, hasPassed, type KeyDirectory } from '../../api-keys/key-directory.ts'
import { type AccountRow, accountProjection, accounts } from './account.ts'
import { type AdminTokenRow, adminTokenProjection, adminTokens } from './admin-token.ts'
import { type MemberRow, memberProjection, members } from './member.ts'
import { type SessionRow, sessionProjection, sessions } from './session.ts'

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

/** `member` and `account` are absent as long as the person of the session belongs to no account. */
export type SessionDirectory = KeyDirectory<{
  session: SessionRow
  member: MemberRow | undefined
  account: AccountRow | undefined
}>

/** By the cookie's hash. */
export const createSessionDirectory = (): SessionDirectory =>
  createKeyDirectory({
    context: 'rungate',
    // Whose roster cannot be read may have removed anybody.
    streams: { 'rungate.account': accounts, 'rungate.roster': accounts, 'rungate.session': sessions },
    projections: [accountProjection, memberProjection, sessionProjection],
    keys: { table: sessions, textId: 'key_hash' },
    entryOf(session, row) {
      const member = row(members, session.member_id)
      return { session, member, account: member && row(accounts, member.account_id) }
    },
    hasEnded: ({ expires_at }, nowMs) => hasPassed(expires_at, nowMs),
  })
