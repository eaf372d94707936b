/** GET /v1/seals: the seals that the log holds, for comparison with copies that are kept elsewhere. */
import { z } from '@hono/zod-openapi'
import { isGenuine, readSeals } from '../../audit/seal.ts'
import { json } from '../answers.ts'
import { auditorKey, operation } from './access.ts'
import { seesEverything } from './positions.ts'
import { audited } from './reading.ts'
import { sealFacts } from './schemas.ts'

const seal = z
  .object({
    ...sealFacts,
    signature: z.string().openapi({ description: 'Of position, events and root, each on a line; base64.' }),
    is_genuine: z.boolean().openapi({ description: 'Whether the key that it names has signed it.' }),
  })
  .openapi('Seal')

const answer = z.object({ seals: z.array(seal), count: z.int().nonnegative() }).openapi('AuditSeals')

export const listSeals = operation({
  method: 'get',
  path: '/v1/seals',
  id: 'listSeals',
  tags: ['Verification'],
  summary: 'The seals of the log, oldest first',
  description:
    'A seal is over the events of all operators: a key for one operator is shown none. Whether the log still is what ' +
    'was sealed, `GET /v1/verifications?all` finds out.',
  access: auditorKey('audit:read'),
  answers: { 200: json(answer, 'The seals.') },
  refuses: ['audit_subject_not_found', 'audit_busy'],
  async handle(request) {
    const body = await audited(request, { type: 'audit.SealsRead.v1', data: {} }, false, async ({ log }) => {
      const found = seesEverything(request.principal) ? await readSeals(log) : []
      const seals = found.map((each) => ({
        position: each.position,
        events: each.events,
        root: each.root,
        public_key: each.publicKey,
        sealed_at: each.occurredAt,
        signature: each.signature,
        is_genuine: isGenuine(each),
      }))
      return { answer: { seals, count: seals.length }, last: undefined }
    })
    return { status: 200, body }
  },
})
