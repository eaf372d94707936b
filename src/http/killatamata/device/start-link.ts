/** POST device/link/start: a device asks for a key, by a short code that a person approves. */
import { z } from '@hono/zod-openapi'
import { deviceLink } from '../../../commands/killatamata/device-link.ts'
import { linkIdOf } from '../../../commands/killatamata/ids.ts'
import { Rejected } from '../../../commands/rejection.ts'
import { publicAccess } from '../../access.ts'
import { json, withHeaders } from '../../answers.ts'
import { optionalBody } from '../../body.ts'
import { write } from '../access.ts'
import { label } from '../keys/new-key.ts'
import { noStore } from '../known-here.ts'
import { limitTries } from '../limits.ts'
import { newDeviceCode } from './device-code.ts'
import { newUserCode, shownUserCode } from './user-code.ts'

const answer = z
  .object({
    ok: z.literal(true),
    ...{ deviceCode: z.string(), userCode: z.string(), verificationUrl: z.string() },
    verificationUrlComplete: z.string(),
    ...{ expiresInSeconds: z.int(), intervalSeconds: z.int() },
  })
  .openapi('DeviceLinkStartResponse')

export const LINK_PAGE = '/killatamata/device'
/** Of 20^8 codes one is hardly ever taken. */
const ATTEMPTS_MAX = 5

export const startDeviceLink = write({
  path: '/api/v1/device/link/start',
  id: 'startDeviceLink',
  tags: ['auth'],
  summary: 'Start browser-assisted local skill linking',
  description: 'Answers with the code that a person approves, and the code by which the device polls for its key.',
  access: publicAccess,
  body: optionalBody(z.strictObject({ keyLabel: label.optional() }).openapi('DeviceLinkStartRequest')),
  answers: { 201: withHeaders(json(answer, 'The codes, shown this once.'), 'cache-control') },
  async handle({ bus, db, clock, limits, apiUrl, body, caller, command }) {
    await limitTries({ db, clock, limits }, caller.address())
    const expiresAt = new Date(Date.parse(command.at) + limits.linkMs).toISOString()
    for (let attempt = 1; ; attempt++) {
      const userCode = newUserCode()
      const linkId = linkIdOf(userCode)
      const { deviceCode, deviceCodeHash } = newDeviceCode(linkId)
      const asked = { keyLabel: body?.keyLabel ?? null, intervalS: limits.linkIntervalS, expiresAt }
      const start = { kind: 'start', linkId, at: command.at, facts: { userCode, deviceCodeHash, ...asked } } as const
      try {
        const handled = await bus.handle(deviceLink, linkId, start, command)
        const shown = shownUserCode(userCode)
        const verificationUrl = `${apiUrl()}${LINK_PAGE}`
        const urls = { verificationUrl, verificationUrlComplete: `${verificationUrl}?userCode=${shown}` }
        const times = { expiresInSeconds: limits.linkMs / 1_000, intervalSeconds: limits.linkIntervalS }
        const shownOnce = { ok: true as const, deviceCode, userCode: shown, ...urls, ...times }
        return { status: 201, headers: noStore, body: shownOnce, handled }
      } catch (error) {
        const isTaken = error instanceof Rejected && error.code === 'user_code_taken'
        if (!isTaken || attempt === ATTEMPTS_MAX) throw error
      }
    }
  },
})
