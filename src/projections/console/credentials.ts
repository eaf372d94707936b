/** The directory of sessions with the console. */
import { createKeyDirectory, hasPassed, type KeyDirectory } from '../../api-keys/key-directory.ts'
import { type SessionRow, sessionProjection, sessions } from './session.ts'

/** By the cookie's hash. */
export type SessionDirectory = KeyDirectory<SessionRow>

export const createSessionDirectory = (): SessionDirectory =>
  createKeyDirectory({
    context: 'console',
    streams: { 'console.session': sessions },
    projections: [sessionProjection],
    keys: { table: sessions, textId: 'token_hash' },
    entryOf: (session) => session,
    hasEnded: ({ expires_at }, nowMs) => hasPassed(expires_at, nowMs),
  })
