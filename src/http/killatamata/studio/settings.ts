/** PATCH studio/settings. */
import { z } from '@hono/zod-openapi'
import { studioWorkspace } from '../../../commands/killatamata/studio-workspace.ts'
import { agentModel, reasoningLevel } from '../../../events/killatamata/studio.ts'
import { json } from '../../answers.ts'
import { text } from '../../schemas.ts'
import { accountKey, change } from '../access.ts'
import { requestKey } from '../request-key.ts'
import { settingsShown } from './views.ts'

const displayName = text(80)

export const updateSettings = change({
  method: 'patch',
  path: '/api/v1/studio/settings',
  id: 'updateStudioSettings',
  tags: ['studio'],
  summary: 'Update Studio settings',
  description: 'What the request does not have stays as it is.',
  access: accountKey,
  key: requestKey,
  isIdempotent: true,
  body: z
    .object({
      ...{ userDisplayName: displayName.optional(), assistantDisplayName: displayName.optional() },
      conversationStarterInstructions: text(2_000).optional(),
      ...{ defaultAgentModel: agentModel, defaultReasoningLevel: reasoningLevel },
    })
    .openapi('StudioSettingsUpdateRequest'),
  answers: {
    200: json(
      z.object({ ok: z.literal(true), settings: settingsShown }).openapi('StudioSettingsResponse'),
      'The settings as they are now.',
    ),
  },
  async handle({ bus, principal: { accountId }, body: change, command }) {
    const asked = { kind: 'changeSettings', accountId, change, at: command.at } as const
    const handled = await bus.handle(studioWorkspace, accountId, asked, command)
    return { status: 200, body: { ok: true as const, settings: handled.state.settings }, handled }
  },
})
