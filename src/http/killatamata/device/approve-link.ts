/** GET device/link/request and POST device/link/approve: what a device asks, and letting it have a key. */
import { z } from '@hono/zod-openapi'
import { deviceLink, linkNotFound, standingOf } from '../../../commands/killatamata/device-link.ts'
import { linkIdOf } from '../../../commands/killatamata/ids.ts'
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { boundedText, text, timeOut } from '../../schemas.ts'
import { accountKey, change, type KillatamataParts, read } from '../access.ts'
import { label } from '../keys/new-key.ts'
import { limitUserCodeMisses } from '../limits.ts'
import { requestKey } from '../request-key.ts'
import { plainUserCode, shownUserCode } from './user-code.ts'

const USER_CODE_LENGTH = { min: 4, max: 32 }
const status = z.enum(['pending', 'approved', 'consumed', 'expired'])

type Parts = Pick<KillatamataParts, 'bus' | 'db' | 'clock' | 'limits'>

/** The link of a user code. One that nobody has counts against the client, for it may be a guess. */
async function linkOf({ bus, ...parts }: Parts, given: string, address: string) {
  const userCode = plainUserCode(given)
  const state = userCode === undefined ? undefined : await bus.current(deviceLink, linkIdOf(userCode))
  if (userCode !== undefined && state !== undefined && state.status !== 'absent') return { userCode, state }
  await limitUserCodeMisses(parts, address)
  throw linkNotFound()
}

const requested = z
  .object({
    ...{ ok: z.literal(true), userCode: z.string(), status, keyLabel: z.string().nullable() },
    ...{ createdAt: timeOut, expiresAt: timeOut },
  })
  .openapi('DeviceLinkRequestResponse')

export const getDeviceLink = read({
  path: '/api/v1/device/link/request',
  id: 'getDeviceLink',
  tags: ['auth'],
  summary: 'Get device-link request status by user code',
  description: 'Says what the device asks for and how that stands; never its own code, the account or a key.',
  access: publicAccess,
  query: z.object({
    userCode: boundedText(USER_CODE_LENGTH.max)
      .refine((given) => given.length >= USER_CODE_LENGTH.min, `must have at least ${USER_CODE_LENGTH.min} characters`)
      .openapi({ type: 'string', minLength: USER_CODE_LENGTH.min }),
  }),
  answer: json(requested, 'The request of the device.'),
  refuses: ['device_link_not_found'],
  async handle({ query, caller, ...parts }) {
    const { userCode, state } = await linkOf(parts, query.userCode, caller.address())
    const { occurredAt: createdAt, expiresAt } = state.facts
    return {
      ...{ ok: true as const, userCode: shownUserCode(userCode) },
      status: standingOf(state, parts.clock().toISOString()),
      ...{ keyLabel: state.keyLabel, createdAt, expiresAt },
    }
  },
})

const request = z
  .strictObject({ userCode: text(USER_CODE_LENGTH.max, USER_CODE_LENGTH.min), keyLabel: label.optional() })
  .openapi('DeviceLinkApproveRequest')
const approved = z
  .object({ ok: z.literal(true), userCode: z.string(), status: z.literal('approved') })
  .openapi('DeviceLinkApproveResponse')

export const approveDeviceLink = change({
  path: '/api/v1/device/link/approve',
  id: 'approveDeviceLink',
  tags: ['auth'],
  summary: 'Approve a pending device-link request (API key required)',
  description: 'Lets the device have a key of your account. Approving it again changes nothing.',
  access: accountKey,
  key: requestKey,
  body: request,
  answers: { 200: json(approved, 'The device gets its key at its next poll.') },
  refuses: ['device_link_not_found', 'device_link_decided', 'device_link_expired'],
  async handle({ bus, body, principal: { accountId }, caller, command, ...parts }) {
    const { userCode } = await linkOf({ bus, ...parts }, body.userCode, caller.address())
    const linkId = linkIdOf(userCode)
    const keyLabel = body.keyLabel ?? null
    const approve = { kind: 'approve', linkId, accountId, keyLabel, at: command.at } as const
    const handled = await bus.handle(deviceLink, linkId, approve, command)
    const answer = { ok: true, userCode: shownUserCode(userCode), status: 'approved' } as const
    return { status: 200, body: answer, handled }
  },
})
