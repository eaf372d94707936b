/** PUT /api/policies/{id}: what is sent is merged into what is there, and makes a version where it changes something. */
import { changePolicy } from '../../../commands/rungate/changing.ts'
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { requireWithin } from '../bounds.ts'
import { dataOf, idParams, refuseElsewhere } from '../schemas.ts'
import { POLICY_BODY_MAX_BYTES } from './create-policy.ts'
import { policyInput, requireChangeable, settingsOf } from './inputs.ts'
import { policyResponse, policyRowOf, policyView } from './policy-view.ts'

export const updatePolicy = write({
  method: 'put',
  path: '/api/policies/{id}',
  id: 'updatePolicy',
  tags: ['Policies'],
  summary: 'Change a policy',
  description:
    'Merges what is sent into the policy: lists are replaced, null clears. Runs that go on keep what they started with.',
  example: { budget: { hard_limit_usd: 1.25 } },
  access: dashboard('write'),
  params: idParams,
  body: policyInput,
  bodyMaxBytes: POLICY_BODY_MAX_BYTES,
  answers: { 200: json(dataOf(policyResponse), 'The policy as it is now.') },
  refuses: [
    ...(['policy_not_found', 'name_taken', 'policy_contradicts', 'visibility_refused', 'account_elsewhere'] as const),
    'not_own',
  ],
  async handle({ bus, bounds, principal, params: { id }, body, command }) {
    refuseElsewhere(body, principal)
    requireWithin(bounds, body)
    await requireChangeable({ bus }, id, principal)
    const change = { name: body.name, settings: settingsOf(body, principal) }
    const handled = await changePolicy(bus, id, change, principal, command)
    return { status: 200, body: { data: policyView(policyRowOf(handled.state)) }, handled }
  },
})
