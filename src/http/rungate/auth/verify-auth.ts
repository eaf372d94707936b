/** POST /auth/verify: a link's token, or a code with its address, becomes a session. Each is good once. */
import { z } from '@hono/zod-openapi'
import { hashKey } from '../../../api-keys/key-text.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { account } from '../../../commands/rungate/account.ts'
import { address, loginRefused } from '../../../commands/rungate/address.ts'
import { findAddressByToken } from '../../../projections/rungate/address.ts'
import { publicAccess } from '../../access.ts'
import { json, withHeaders } from '../../answers.ts'
import { boundedText } from '../../schemas.ts'
import { type RungateParts, write } from '../access.ts'
import { noStore } from '../keys.ts'
import { limitVerifications } from '../people/limits.ts'
import { email, linkToken } from '../people/schemas.ts'
import { beginSession, refuseForeign } from '../people/signed-in.ts'

const CODE_LENGTH_MAX = 20
const request = z
  .object({ token: linkToken.optional(), code: boundedText(CODE_LENGTH_MAX).optional(), email: email.optional() })
  .superRefine(({ token, code, email: of }, context) => {
    if (token !== undefined || (code !== undefined && of !== undefined)) return
    const [path, message] = code === undefined ? ['token', 'is missing'] : ['email', 'is missing beside the code']
    context.addIssue({ code: 'custom', path: [path], message })
  })

const answer = z.object({ data: z.object({ isNewUser: z.boolean() }).partial() }).partial()

/** Stands for an address that nobody has, so that an unknown token takes the same steps. */
const NOBODYS = deterministicId('rungate.address', '')

type Body = z.output<typeof request>

/** Which address is meant, and what is to be proved. */
async function proofIn(
  { db, people }: Pick<RungateParts, 'db' | 'people'>,
  { token, code = '', email: of = '' }: Body,
) {
  if (token !== undefined) {
    const tokenHash = hashKey(token)
    const found = await findAddressByToken(db, tokenHash)
    return { addressId: found?.address_id ?? NOBODYS, tokenHash }
  }
  const addressId = await people.addressIdOf(of)
  return { addressId, codeHash: await people.codeHashOf(addressId, code.replaceAll(/[\s-]/g, '')) }
}

export const verifyAuth = write({
  path: '/auth/verify',
  id: 'verifyAuth',
  tags: ['Auth'],
  summary: 'Sign in by a link or a code',
  description: 'Takes a link’s token, or a code with its address, once, and sets the cookie of a session.',
  access: publicAccess,
  example: { email: 'ada@example.com', code: '012345' },
  body: request,
  answers: { 200: withHeaders(json(answer, 'You are signed in.'), 'cache-control', 'set-cookie') },
  refuses: ['login_refused', 'origin_foreign'],
  async handle({ bus, db, people, peopleLimits, clock, cookies, body, caller, command, ...parts }) {
    refuseForeign(caller, { cookies })
    await limitVerifications({ db, clock, peopleLimits }, caller.address())
    const proof = await proofIn({ db, people }, body)
    const handled = await bus.handle(address, proof.addressId, { kind: 'verify', ...proof, at: command.at }, command)
    const verified = handled.events.find(({ type }) => type === 'rungate.LoginVerified.v1')
    if (!verified) throw loginRefused()
    const { accountId, memberId, addressId } = verified.data
    if (accountId !== null && (await bus.current(account, accountId)).status !== 'active') throw loginRefused()
    const person = { memberId, addressId, accountId }
    const { position, cookie } = await beginSession({ bus, cookies, ...parts }, person, caller, command)
    const data = { isNewUser: accountId === null }
    const reply = { headers: noStore, cookies: [cookie], handled: { position, replayed: false } }
    return { status: 200, body: { data }, ...reply }
  },
})
