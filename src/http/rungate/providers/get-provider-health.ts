/** GET /api/providers/health: whether calls with the account’s provider keys are tried. */
import { z } from '@hono/zod-openapi'
import { keyHealthOf } from '../../../projections/rungate/circuit.ts'
import { json } from '../../answers.ts'
import { nullableTimeOut } from '../../schemas.ts'
import { dashboard, read } from '../access.ts'
import { listOfData } from '../schemas.ts'

const keyHealth = z.object({
  provider_key_id: z.string(),
  provider: z.string(),
  state: z.enum(['closed', 'open', 'half_open']),
  failure_count: z.int(),
  last_failure_at: nullableTimeOut,
  last_success_at: nullableTimeOut,
  opened_at: nullableTimeOut,
  recovery_at: nullableTimeOut,
})

export const getProviderHealth = read({
  path: '/api/providers/health',
  id: 'getProviderHealth',
  tags: ['Providers'],
  summary: 'Whether calls with the provider keys are tried',
  description:
    'A key whose calls failed one after the other is left alone for a while (`open`), then one call tries (`half_open`).',
  access: dashboard('read'),
  answer: json(listOfData(keyHealth), 'The state of every key.'),
  async handle({ db, principal: { accountId } }) {
    const { rows, total } = await keyHealthOf(db, accountId)
    return { data: rows, total }
  },
})
