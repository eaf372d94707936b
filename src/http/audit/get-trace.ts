/** GET /v1/traces/{id}: what a request, a command or a correlation has caused. */
import { z } from '@hono/zod-openapi'
import { flatten, readTrace, treeOf } from '../../audit/trace.ts'
import { json } from '../answers.ts'
import { text } from '../schemas.ts'
import { auditorKey, operation } from './access.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { shownEnd, shownEvent } from './positions.ts'
import { audited } from './reading.ts'
import { auditScanned, cursor, traceStep } from './schemas.ts'

const id = text(512, 1).openapi({
  description: 'A request id, a correlation id, a command id, or the id of an event.',
  example: '7c1c4c3e-3a4a-4a55-9f5d-2f8a1f0a7e11',
})

const answer = z
  .object({
    id,
    steps: z.array(traceStep).openapi({ description: 'The tree, each step before what it has caused.' }),
    count: z.int().nonnegative(),
    is_cut: z.boolean().openapi({ description: 'There are more steps than one trace shows; later ones are left out.' }),
    ...auditScanned,
  })
  .openapi('AuditTrace')

export const getTrace = operation({
  method: 'get',
  path: '/v1/traces/{id}',
  id: 'getTrace',
  tags: ['Reading'],
  summary: 'What a request has caused, step by step',
  description:
    'From the event that a request wrote, through every stream, to what the engine and the webhooks made of it, with ' +
    'the time that each step took. Where an answer has a cursor, the next one repeats its steps and adds to them.',
  access: auditorKey('audit:read'),
  params: z.object({ id }),
  query: z.object({ cursor: cursor.optional() }),
  answers: { 200: json(answer, 'The tree of causes and effects.') },
  refuses: ['audit_subject_not_found', 'audit_busy'],
  async handle(request) {
    const { id: name } = request.params
    const asked = { name, operatorId: request.principal.operatorId }
    const from = readCursor(request, 'trace', asked, request.query.cursor)
    const question = { type: 'audit.TraceRead.v1' as const, data: { of: name } }
    const body = await audited(request, question, from !== undefined, async (ground) => {
      const continuation = from
        ? { ...from, after: from.after }
        : { pass: 0, names: 0, after: undefined, until: (await ground.log.head()) ?? 0n, found: [] }
      const page = await readTrace(ground, name, continuation, request.limits.traceEventsMax)
      if (page.described.length === 0 && !page.next) return { answer: undefined, last: page.last }
      const steps = flatten(treeOf(page.described, ground.rules)).map(({ node, depth, cause }) => ({
        ...shownEvent(request, node.described),
        depth,
        caused_by: cause?.described.raw.id ?? null,
        step_ms: node.stepMs,
        since_start_ms: node.sinceStartMs,
      }))
      return {
        last: page.last,
        answer: {
          id: name,
          steps,
          count: steps.length,
          is_cut: page.isCut,
          read_up_to: shownEnd(request, page.last),
          events_read: ground.budget.spent(),
          next_cursor: page.next
            ? writeCursor(request, 'trace', asked, { ...page.next, found: [...page.next.found] })
            : null,
        },
      }
    })
    return { status: 200, body }
  },
})
