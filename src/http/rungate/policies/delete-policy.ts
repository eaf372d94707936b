/** DELETE /api/policies/{id}: only while no agent names it. Its versions stay. */
import { z } from '@hono/zod-openapi'
import { deletePolicy as remove } from '../../../commands/rungate/changing.ts'
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { dataOf, idParams } from '../schemas.ts'
import { requireChangeable } from './inputs.ts'

export const deletePolicy = write({
  method: 'delete',
  path: '/api/policies/{id}',
  id: 'deletePolicy',
  tags: ['Policies'],
  summary: 'Delete a policy',
  description: 'Deletes the policy unless an agent names it. Its versions can be read as before.',
  access: dashboard('write'),
  params: idParams,
  answers: { 200: json(dataOf(z.object({ message: z.string() })), 'The policy is deleted.') },
  refuses: ['policy_not_found', 'policy_in_use', 'not_own'],
  async handle({ bus, principal, params: { id }, command }) {
    await requireChangeable({ bus }, id, principal)
    const handled = await remove(bus, id, principal, command)
    return { status: 200, body: { data: { message: 'The policy is deleted.' } }, handled }
  },
})
