/** PUT /api/policies/by-name/{name}: makes the policy of this name, or changes it. */
import { changePolicy } from '../../../commands/rungate/changing.ts'
import { ownerOf } from '../../../commands/rungate/naming.ts'
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { requireWithin } from '../bounds.ts'
import { dataOf, nameParams, refuseElsewhere } from '../schemas.ts'
import { POLICY_BODY_MAX_BYTES } from './create-policy.ts'
import { newPolicy, requireChangeable, settingsOf, upsertInput } from './inputs.ts'
import { policyResponse, policyRowOf, policyView } from './policy-view.ts'

export const upsertPolicyByName = write({
  method: 'put',
  path: '/api/policies/by-name/{name}',
  id: 'upsertPolicyByName',
  tags: ['Policies'],
  summary: 'Make or change the policy of a name',
  description: 'Makes the policy where there is none of this name, else merges what is sent into it.',
  example: { budget: { hard_limit_usd: 0.5 } },
  access: dashboard('write'),
  params: nameParams,
  body: upsertInput,
  bodyMaxBytes: POLICY_BODY_MAX_BYTES,
  answers: {
    200: json(dataOf(policyResponse), 'The policy as it is now.'),
    201: json(dataOf(policyResponse), 'The new policy.'),
  },
  refuses: [
    'name_taken',
    'policy_contradicts',
    'visibility_refused',
    'account_elsewhere',
    'policy_not_found',
    'not_own',
  ],
  async handle({ bus, bounds, principal, params: { name }, body, command }) {
    refuseElsewhere(body, principal)
    requireWithin(bounds, body)
    const policyId = await ownerOf(bus, principal.accountId, 'policy', name)
    if (policyId !== undefined) await requireChangeable({ bus }, policyId, principal)
    const change = { settings: settingsOf(body, principal) }
    const handled =
      policyId === undefined
        ? await newPolicy({ bus }, name, body, principal, command)
        : await changePolicy(bus, policyId, change, principal, command)
    const status = policyId === undefined ? 201 : 200
    return { status, body: { data: policyView(policyRowOf(handled.state)) }, handled }
  },
})
