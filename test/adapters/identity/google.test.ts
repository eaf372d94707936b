/** ID tokens against keys that are served on loopback: what is good, what is not, and what cannot be told. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Google,
  IdTokenInvalid,
  IdTokenKeysUnavailable,
  openGoogle,
} from '../../../src/adapters/identity/google.ts'

const CLIENT = 'our-app.apps.example'
const now = new Date('2026-09-01T10:00:00.000Z')
const nowS = now.getTime() / 1_000

let server: Server
let google: Google
let status = 200
let keys: Awaited<ReturnType<typeof generateKeyPair>>

const openAt = (port: number) =>
  openGoogle({
    ...{ clientId: CLIENT, issuers: ['https://accounts.google.com', 'accounts.google.com'] },
    ...{ keysUrl: `http://127.0.0.1:${port}/certs`, timeoutMs: 2_000 },
  })

beforeAll(async () => {
  keys = await generateKeyPair('RS256')
  const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }] }
  server = createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(jwks))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  google = openAt((server.address() as AddressInfo).port)
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

const claims = {
  ...{ iss: 'https://accounts.google.com', aud: CLIENT, sub: '1234567890', exp: nowS + 3_600, iat: nowS },
  ...{ email: 'Ada@example.com', email_verified: true },
}
const token = (over: JWTPayload = {}, kid = 'one') =>
  new SignJWT({ ...claims, ...over }).setProtectedHeader({ alg: 'RS256', kid }).sign(keys.privateKey)

describe('an ID token', () => {
  it('names a person, by both spellings of the issuer and with a minute of leeway', async () => {
    const ada = { subject: '1234567890', email: 'Ada@example.com' }
    expect(await google.verify(await token(), now)).toMatchObject(ada)
    expect(await google.verify(await token({ iss: 'accounts.google.com' }), now)).toMatchObject(ada)
    expect(await google.verify(await token({ exp: nowS - 59 }), now)).toMatchObject(ada)
    expect(await google.verify(await token({ nbf: nowS + 59 }), now)).toMatchObject(ada)
  })

  it.each<[string, JWTPayload]>([
    ['of another issuer', { iss: 'https://accounts.example.com' }],
    ['for another application', { aud: 'another-app' }],
    ['that is over', { exp: nowS - 61 }],
    ['that is not good yet', { nbf: nowS + 61 }],
    ['whose address nobody has verified', { email_verified: false }],
    ['whose address is said to be verified in words', { email_verified: 'true' }],
    ['without an address', { email: undefined }],
    ['without a subject', { sub: undefined }],
  ])('%s is refused', async (_, over) => {
    await expect(google.verify(await token(over), now)).rejects.toThrow(IdTokenInvalid)
  })

  it('signed by another key, by a secret, by nobody, or no token at all is refused', async () => {
    const other = await generateKeyPair('RS256')
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(other.privateKey)
    const shared = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(new TextEncoder().encode('a secret that has at least 32 bytes'))
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const unsigned = `${part({ alg: 'none' })}.${part(claims)}.`
    for (const text of [forged, shared, unsigned, 'x'.repeat(40)]) {
      await expect(google.verify(text, now)).rejects.toThrow(IdTokenInvalid)
    }
  })

  it('of a key that cannot be fetched is neither good nor bad', async () => {
    const elsewhere = openAt((server.address() as AddressInfo).port)
    status = 500
    await expect(elsewhere.verify(await token(), now)).rejects.toThrow(IdTokenKeysUnavailable)
    status = 200
    expect(await google.verify(await token(), now)).toMatchObject({ subject: '1234567890' })
  })
})
