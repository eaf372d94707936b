/** POST /api/policies: a policy; what is left out has its default. */
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { requireWithin } from '../bounds.ts'
import { dataOf, refuseElsewhere } from '../schemas.ts'
import { newPolicy, policyInput } from './inputs.ts'
import { policyResponse, policyRowOf, policyView } from './policy-view.ts'

/** Lists of globs and routes may be long. */
export const POLICY_BODY_MAX_BYTES = 262_144

export const createPolicy = write({
  path: '/api/policies',
  id: 'createPolicy',
  tags: ['Policies'],
  summary: 'Make a policy',
  description: 'Makes a policy. What is left out has its default, which limits nothing.',
  example: { budget: { hard_limit_usd: 0.5 } },
  access: dashboard('write'),
  body: policyInput,
  bodyMaxBytes: POLICY_BODY_MAX_BYTES,
  answers: { 201: json(dataOf(policyResponse), 'The policy.') },
  refuses: [
    'name_taken',
    'policy_contradicts',
    'visibility_refused',
    'account_elsewhere',
    'policy_not_found',
    'not_own',
  ],
  async handle({ bus, bounds, principal, body, command }) {
    refuseElsewhere(body, principal)
    requireWithin(bounds, body)
    const handled = await newPolicy({ bus }, body.name, body, principal, command)
    return { status: 201, body: { data: policyView(policyRowOf(handled.state)) }, handled }
  },
})
