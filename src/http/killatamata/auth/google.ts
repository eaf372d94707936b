/** POST auth/google and auth/browser/google: an ID token of Google becomes an API key, or a session. */
import { z } from '@hono/zod-openapi'
import { type GooglePerson, IdTokenInvalid, IdTokenKeysUnavailable } from '../../../adapters/identity/google.ts'
import { hashKey } from '../../../api-keys/key-text.ts'
import { stepContext } from '../../../commands/context.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { idTokenClaim } from '../../../commands/killatamata/id-token.ts'
import { idTokenIdOf } from '../../../commands/killatamata/ids.ts'
import { type Entered, enterByGoogle, requireRoom } from '../../../processes/killatamata/signing-in.ts'
import { publicAccess } from '../../access.ts'
import { json, withHeaders } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import type { Caller } from '../../operation.ts'
import { type KillatamataParts, write } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { label, makeKey, newKeyAnswer } from '../keys/new-key.ts'
import { noStore } from '../known-here.ts'
import { limitTries } from '../limits.ts'
import { beginSession, sessionAnswer } from './session.ts'

/** Google's are shorter than 2 KB; the contract names no bound. */
const ID_TOKEN_LENGTH_MAX = 8_192
const ID_TOKEN_LENGTH_MIN = 20
export const idToken = z
  .string()
  .min(ID_TOKEN_LENGTH_MIN)
  .refine((given) => given.length <= ID_TOKEN_LENGTH_MAX, `must have at most ${ID_TOKEN_LENGTH_MAX} characters`)

const request = z.strictObject({ idToken, keyLabel: label.optional() }).openapi('GoogleAuthRequest')

type Parts = Pick<KillatamataParts, 'bus' | 'db' | 'clock' | 'google' | 'signIn' | 'limits'>

/** The account of whom Google vouches for. The token is used up for this, before it has its effect. */
export async function enterByToken(
  { bus, google, signIn, clock, ...parts }: Parts,
  { token, use }: { token: string; use: 'key' | 'session' },
  caller: Caller,
  command: CommandContext,
): Promise<Entered> {
  await limitTries({ clock, ...parts }, caller.address())
  const person = await verified(google, token, clock())
  const entered = await enterByGoogle(signIn, person, stepContext(command, deterministicId('enter', command.commandId)))
  if (use === 'key') await requireRoom(signIn, entered.accountId)
  const tokenHash = hashKey(token)
  const id = idTokenIdOf(tokenHash, use)
  const facts = { accountId: entered.accountId, tokenHash, use, expiresAt: person.expiresAt.toISOString() }
  await bus.handle(idTokenClaim, id, { ...facts, at: command.at }, stepContext(command, deterministicId(id)))
  return entered
}

async function verified(google: Parts['google'], token: string, now: Date): Promise<GooglePerson> {
  if (!google) throw unavailable('Nobody signs in with Google here.')
  try {
    return await google.verify(token, now)
  } catch (error) {
    if (error instanceof IdTokenInvalid) {
      throw new Problem<KillatamataCode>('id_token_invalid', 'The ID token is not good for this application.')
    }
    if (error instanceof IdTokenKeysUnavailable) throw unavailable('Google’s keys cannot be fetched now.')
    throw error
  }
}

const unavailable = (detail: string) => new Problem<KillatamataCode>('sign_in_unavailable', detail)

const refuses = ['id_token_invalid', 'id_token_used', 'sign_in_unavailable', 'account_gone'] as const

export const signInWithGoogle = write({
  path: '/api/v1/auth/google',
  id: 'signInWithGoogle',
  tags: ['auth'],
  summary: 'Exchange a Google ID token for a new API key',
  description: 'Opens an account where the person has none. A token makes one key.',
  access: publicAccess,
  body: request,
  answers: { 201: withHeaders(json(newKeyAnswer, 'The key, shown this once.'), 'cache-control') },
  refuses: [...refuses, 'key_limit_reached', 'secret_already_shown'],
  async handle({ body, caller, command, ...parts }) {
    const entered = await enterByToken(parts, { token: body.idToken, use: 'key' }, caller, command)
    const wanted = { label: body.keyLabel, source: 'google', hasRoom: true } as const
    return { status: 201, headers: noStore, ...(await makeKey(parts, entered, wanted, command)) }
  },
})

export const signInBrowserWithGoogle = write({
  path: '/api/v1/auth/browser/google',
  id: 'signInBrowserWithGoogle',
  tags: ['auth'],
  summary: 'Exchange a Google ID token for a browser session cookie',
  description: 'Sets the cookie of a session. A token opens one session.',
  access: publicAccess,
  body: request,
  answers: { 200: withHeaders(json(sessionAnswer, 'You are signed in.'), 'cache-control', 'set-cookie') },
  refuses,
  async handle({ body, caller, command, ...parts }) {
    const entered = await enterByToken(parts, { token: body.idToken, use: 'session' }, caller, command)
    return { status: 200, headers: noStore, ...(await beginSession(parts, entered, 'google', caller, command)) }
  },
})
