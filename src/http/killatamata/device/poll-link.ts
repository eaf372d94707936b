/** POST device/link/poll: the device asks whether it is approved, and is given its key, once. */
import { z } from '@hono/zod-openapi'
import { linkNotFound } from '../../../commands/killatamata/device-link.ts'
import { generateApiKey } from '../../../commands/killatamata/keys.ts'
import { pollLink } from '../../../processes/killatamata/linking.ts'
import { publicAccess } from '../../access.ts'
import { json, withHeaders } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { text } from '../../schemas.ts'
import { write } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { isKnownHere, noStore } from '../known-here.ts'
import { readDeviceCode } from './device-code.ts'

const DEVICE_CODE_LENGTH = { min: 20, max: 256 }
const request = z
  .strictObject({ deviceCode: text(DEVICE_CODE_LENGTH.max, DEVICE_CODE_LENGTH.min) })
  .openapi('DeviceLinkPollRequest')

const pending = z.object({ ok: z.literal(true), status: z.literal('pending'), intervalSeconds: z.int() })
const approved = z.object({
  ...{ ok: z.literal(true), status: z.literal('approved'), apiKey: z.string(), keyId: z.string() },
  ...{ keyPrefix: z.string(), label: z.string().nullable(), accountId: z.string() },
})

export const pollDeviceLink = write({
  path: '/api/v1/device/link/poll',
  id: 'pollDeviceLink',
  tags: ['auth'],
  summary: 'Poll a device-link request and retrieve one-time API key when approved',
  description: 'The first poll may come at once. One that comes too early is refused, and makes the interval longer.',
  access: publicAccess,
  body: request,
  answers: { 200: withHeaders(json(z.union([pending, approved]), 'How the request stands.'), 'cache-control') },
  refuses: [
    ...(['device_link_not_found', 'device_link_consumed', 'device_link_expired'] as const),
    ...(['slow_down', 'key_limit_reached', 'account_gone'] as const),
  ],
  async handle({ signIn, credentials, knownWaitMs, body, command }) {
    const code = readDeviceCode(body.deviceCode)
    if (!code) throw linkNotFound()
    const { apiKey, facts } = generateApiKey(command.at)
    const polled = await pollLink(signIn, { ...code, key: facts }, command)
    if (polled.as === 'too_early') {
      const detail = `Wait ${polled.intervalS} seconds between two polls.`
      throw new Problem<KillatamataCode>('slow_down', detail, { headers: { 'retry-after': String(polled.intervalS) } })
    }
    if (polled.as === 'pending') {
      const waiting = { ok: true as const, status: 'pending' as const, intervalSeconds: polled.intervalS }
      return { status: 200, headers: noStore, body: waiting, handled: { position: polled.position, replayed: false } }
    }
    await isKnownHere(knownWaitMs, () => credentials.find(facts.textId) !== undefined)
    const { keyId, keyPrefix, label } = polled.given.key
    const given = { apiKey, keyId, keyPrefix, label, accountId: polled.given.accountId }
    const answer = { ok: true as const, status: 'approved' as const, ...given }
    return { status: 200, headers: noStore, body: answer, handled: { position: polled.position, replayed: false } }
  },
})
