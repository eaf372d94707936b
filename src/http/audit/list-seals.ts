/** GET /v1/seals: the seals that the log holds, for comparison with copies that are kept elsewhere. */
import { createRoute, z } from '@hono/zod-openapi'
import { isGenuine, readSeals } from '../../audit/seal.ts'
import { json, operation } from '../operation.ts'
import { audited, seesEverything } from './reading.ts'
import { type AuditDeps, auditProblems, forAuditor } from './route.ts'
import { sealFacts } from './schemas.ts'

const seal = z
  .object({
    ...sealFacts,
    signature: z.string().openapi({ description: 'Of position, events and root, each on a line; base64.' }),
    is_genuine: z.boolean().openapi({ description: 'Whether the key that it names has signed it.' }),
  })
  .openapi('Seal')

const answer = z.object({ seals: z.array(seal), count: z.int().nonnegative() }).openapi('AuditSeals')

const route = createRoute({
  method: 'get',
  path: '/v1/seals',
  operationId: 'listSeals',
  tags: ['Verification'],
  summary: 'The seals of the log, oldest first',
  description:
    'A seal is over the events of all operators: a key for one operator is shown none. Whether the log still is what ' +
    'was sealed, `GET /v1/verifications?all` finds out.',
  ...forAuditor('audit:read'),
  responses: { 200: json(answer, 'The seals.'), ...auditProblems },
})

export const listSeals = operation(route, (deps: AuditDeps) => async (c) => {
  const body = await audited(c, deps, { type: 'audit.SealsRead.v1', data: {} }, false, async ({ log }) => {
    const found = seesEverything(c) ? await readSeals(log) : []
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
  return c.json(body, 200)
})
