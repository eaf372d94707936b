/**
 * POST /v1/launch-sessions: a link that opens the hosted terminal on an account, once. The contract has no key for a
 * repetition: each request makes a link of its own, and one that gets lost simply expires.
 */
import { z } from '@hono/zod-openapi'
import { createAccountLaunch } from '../../../commands/noctant/launching.ts'
import { json, withHeaders } from '../../answers.ts'
import { externalId } from '../../schemas.ts'
import { operatorKey, write } from '../access.ts'
import { requestIdHeader } from '../schemas.ts'
import {
  createdReply,
  createLaunchSessionResponse,
  launchRequest,
  namesOneUser,
  oneUser,
  prepareLaunch,
} from './launch-view.ts'

const request = z
  .object({ external_account_id: externalId, ...launchRequest })
  .refine(namesOneUser, oneUser)
  .openapi('CreateLaunchSessionRequest')

export const createLaunchSession = write({
  path: '/v1/launch-sessions',
  id: 'createLaunchSession',
  tags: ['Launch Sessions'],
  summary: 'Make a link that opens the hosted terminal on an account',
  description:
    'Answers a link for the user’s browser. It works once and for a short time; without a key, each request makes another link.',
  example: { external_user_id: 'trader-1' },
  access: operatorKey('launch_sessions:create'),
  headers: requestIdHeader,
  body: request,
  answers: { 201: withHeaders(json(createLaunchSessionResponse, 'The launch, and its link.'), 'cache-control') },
  refuses: [
    'account_closed',
    'account_disabled',
    'account_not_found',
    'launch_challenge_missing',
    'launch_mode_invalid',
    'launch_return_invalid',
    'launch_route_invalid',
    'operator_not_found',
    'user_forgotten',
    'user_not_found',
  ],
  async handle({ bus, principal, body, launch, caller, command }) {
    const { request: asked, launchUrl } = prepareLaunch(principal, body, { ...launch, askedAt: caller.url }, command.at)
    const launched = { ...asked, externalAccountId: body.external_account_id }
    const handled = await createAccountLaunch(bus, launched, command)
    return createdReply(handled, launchUrl)
  },
})
