/** What killatamata's handlers work with, who signs its requests, and the builders of its operations. */
import type { Google } from '../../adapters/identity/google.ts'
import type { MailWay } from '../../adapters/mail/settings.ts'
import { createKeyProof } from '../../api-keys/key-proof.ts'
import { textIdOf } from '../../commands/killatamata/keys.ts'
import type { Ledgers } from '../../commands/killatamata/ledgers.ts'
import { requestKeyUse } from '../../commands/killatamata/request-key.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { Arcade } from '../../processes/killatamata/arcade/parts.ts'
import type { CallbackKeys } from '../../processes/killatamata/media/callback-keys.ts'
import type { Media } from '../../processes/killatamata/media/parts.ts'
import type { OpenX402 } from '../../processes/killatamata/opening.ts'
import type { Purchasing } from '../../processes/killatamata/purchasing.ts'
import type { NoteClick, Referring } from '../../processes/killatamata/referring.ts'
import type { SignInParts } from '../../processes/killatamata/signing-in.ts'
import type { CredentialDirectory, SessionDirectory } from '../../projections/killatamata/credentials.ts'
import {
  bearerScheme,
  bearerToken,
  type Credential,
  either,
  publicAccess,
  signedBy,
  type Verdict,
  type Verifier,
} from '../access.ts'
import type { Principal } from '../environment.ts'
import { Problem } from '../errors.ts'
import { keepKeys } from '../once.ts'
import { type CoreParts, operationsFor } from '../operation.ts'
import type { SignIn } from '../pages/declaration.ts'
import type { RateClass } from '../rate-limit.ts'
import type { Place } from './auth/cookie.ts'
import type { KillatamataCode } from './errors.ts'
import type { SignInLimits } from './limits.ts'
import type { StudioParts } from './studio/parts.ts'

export interface KillatamataParts extends CoreParts {
  db: ReadModels
  /** The API keys and the sessions that this process knows. */
  credentials: Pick<CredentialDirectory, 'find'>
  sessions: Pick<SessionDirectory, 'find'>
  /** Told of each request that a key has signed. */
  noteUse: (key: { accountId: string; keyId: string }) => void
  signIn: SignInParts
  /** Undefined: nobody signs in with Google here. */
  google: Google | undefined
  /** Where mails go. */
  mailWay: MailWay
  limits: SignInLimits
  ledgers: Ledgers
  purchasing: Purchasing
  studio: StudioParts
  /** Undefined: nothing is paid by x402 here. */
  x402: OpenX402 | undefined
  referring: Referring
  arcade: Arcade
  noteClick: NoteClick
  /** Where links of affiliates lead. */
  siteUrl: () => string
  media: Media
  callbackKeys: CallbackKeys
  /** Development: buyers may be sent back to loopback, by http too. */
  allowsLoopback: boolean
  /** Where cookies hold. */
  cookies: Place
  /** How long an answer about a key or a session waits until this process acts by it. */
  knownWaitMs: number
  /** Where clients reach the API, without a slash at its end. */
  apiUrl: () => string
}

/** The account whose key signed the request. */
export interface Customer extends Principal {
  accountId: string
  keyId: string
}

export const { write, read, operation } = operationsFor<KillatamataParts, Customer, KillatamataCode>()

/** Of requests whose stream does not follow from their key, or that may have nothing to record (http/once.ts). */
export const keeps = keepKeys(requestKeyUse, ({ accountId }: Customer, operation, occurredAt) => ({
  ...{ accountId, operation, occurredAt },
}))

/** A write whose key is kept apart. */
export const change: typeof write = (spec) => write({ ...spec, keeps })

const SCHEME = 'BearerAuth'
/** Where the contract names no way of signing in, and a key counts all the same. */
const UNNAMED = 'UnnamedKey'

const CONTRADICTION = { 'www-authenticate': 'Bearer realm="killatamata", error="invalid_token"' }

/** `x-api-key` too; where both are sent they are the same. Throws a Problem where they differ, whoever they belong to. */
const credential: Credential = (head) => {
  const [bearer, own] = [bearerToken(head), head.header('x-api-key')]
  if (bearer === undefined || own === undefined || bearer === own) return bearer ?? own
  const detail = 'The bearer token and x-api-key differ: send one of them.'
  throw new Problem('credential_invalid', detail, { headers: CONTRADICTION })
}

export const schemes = {
  [SCHEME]: {
    ...bearerScheme('An API key of the account (`kt_…`), as a bearer token or in `x-api-key`.'),
    credentials: [credential],
  },
  [UNNAMED]: { credentials: [credential], isBearer: true },
}

/** For an account, by one of its keys. */
export const accountKey = signedBy(SCHEME)
/** The same where anybody else may ask too; a bad key is refused all the same. */
export const accountKeyOrNone = either(publicAccess, signedBy(UNNAMED))

type Found = NonNullable<ReturnType<CredentialDirectory['find']>>

/** What a key may do now. One that does not work, and one of a forgotten account, is answered like an unknown one. */
function verdictOn({ key, account }: Partial<Found>): Verdict<Customer> {
  if (key?.status !== 'active' || account?.status !== 'active') return { kind: 'invalid' }
  const { key_id: keyId, account_id: accountId } = key
  return {
    kind: 'valid',
    principal: {
      ...{ accountId, tenantId: accountId, environment: '', keyId, scopes: [] },
      actor: { kind: 'operator', id: accountId, keyId },
      logFields: { accountId, keyId },
    },
  }
}

export function verifiers({ credentials, noteUse }: KillatamataParts): Record<string, Verifier<Customer>> {
  const proven = createKeyProof<Found>({
    idOf: textIdOf,
    find: (textId) => credentials.find(textId),
    hashOf: ({ key }) => key.key_hash,
  })
  const verify: Verifier<Customer> = (text) => {
    const verdict = verdictOn(proven(text) ?? {})
    if (verdict.kind === 'valid') noteUse(verdict.principal)
    return verdict
  }
  return { [SCHEME]: verify, [UNNAMED]: verify }
}

/** How accounts' keys sign in to the console. */
export const consoleSignIn: SignIn<KillatamataParts> = {
  scheme: SCHEME,
  audience: 'operator',
  keyIdOf: textIdOf,
  again: ({ credentials }, textId) => verdictOn(credentials.find(textId) ?? {}),
}

export const rates = ({ limits }: KillatamataParts): Record<string, RateClass<never>> => ({
  standard: {
    by: 'tenant',
    perMinuteMax: () => limits.requestsPerMinuteMax,
    detail: (max) => `An account, and an address without one, may send ${max} requests per minute.`,
  },
})
