/**
 * POST /auth/start: a link and a code by mail. The answer and the work are the same whether the address is known, unknown or of a
 * suspended account: what differs is decided when the mail's turn comes.
 */
import { z } from '@hono/zod-openapi'
import { hashKey } from '../../../api-keys/key-text.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { address, holderOf } from '../../../commands/rungate/address.ts'
import { mailLogin } from '../../../processes/rungate/mail-requests.ts'
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { write } from '../access.ts'
import { limitAttempts } from '../people/limits.ts'
import { requireMail } from '../people/mail.ts'
import { email } from '../people/schemas.ts'

const answer = z.object({ data: z.object({ message: z.string(), devMode: z.boolean() }).partial() }).partial()

export const startAuth = write({
  path: '/auth/start',
  id: 'startAuth',
  tags: ['Auth'],
  summary: 'Ask for a link to sign in',
  description: 'Sends a link and a code, each good once and for 15 minutes. The answer is the same for every address.',
  access: publicAccess,
  body: z.object({ email }),
  answers: { 200: json(answer, 'A mail is under way, where there is somebody to send one to.') },
  refuses: ['mail_off'],
  async handle({ bus, people, peopleLimits, mailWay, apiUrl, body, caller, command, ...parts }) {
    requireMail({ mailWay })
    const { loginMs, loginsPerCallerMax, loginsPerEmailMax, loginsMax } = peopleLimits
    const detail = 'Too many links to sign in were asked for.'
    await limitAttempts(parts, { kind: 'login', caller: caller.address(), max: loginsPerCallerMax, detail })
    const addressId = await people.addressIdOf(body.email)
    await limitAttempts(parts, { kind: 'login-email', caller: addressId, max: loginsPerEmailMax, detail })
    await limitAttempts(parts, { kind: 'login-all', caller: '', max: loginsMax, detail })
    const { at, commandId } = command
    const expiresAt = new Date(Date.parse(at) + loginMs).toISOString()
    const loginId = deterministicId('rungate.login', commandId)
    const { token, code } = await people.loginSecretsOf(loginId)
    const hashes = { tokenHash: hashKey(token), codeHash: await people.codeHashOf(addressId, code) }
    const asked = { kind: 'requestLogin', addressId, email: body.email, loginId, ...hashes, expiresAt, at } as const
    const { state } = await bus.handle(address, addressId, asked, command)
    const requested = {
      ...{ addressId, memberId: holderOf(addressId, state), accountId: state.accountId, loginId, email: body.email },
      ...{ ...hashes, expiresAt, occurredAt: at },
    }
    const position = await mailLogin({ bus, people, apiUrl }, requested, command)
    const message = 'If the address can sign in, a link is on its way to it.'
    const data = { message, devMode: mailWay === 'mailbox' }
    return { status: 200, body: { data }, handled: { position, replayed: false } }
  },
})
