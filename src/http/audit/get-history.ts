/** GET /v1/history/{thing}: all that happened to one thing, a page at a time. */
import { z } from '@hono/zod-openapi'
import { firstContinuation, readHistory } from '../../audit/history.ts'
import { json } from '../answers.ts'
import { LIMIT_DEFAULT, limit } from '../schemas.ts'
import { auditorKey, operation } from './access.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { shownEnd, shownEvent } from './positions.ts'
import { audited } from './reading.ts'
import { auditEvent, auditScanned, cursor, thing } from './schemas.ts'

const answer = z
  .object({ thing, events: z.array(auditEvent), count: z.int().nonnegative(), ...auditScanned })
  .openapi('AuditHistory')

export const getHistory = operation({
  method: 'get',
  path: '/v1/history/{thing}',
  id: 'getHistory',
  tags: ['Reading'],
  summary: 'The timeline of one thing, across its streams',
  description:
    'Oldest first. An account is found by its external id, its own ids or the name of its stream, and brings what its ' +
    'execution accounts, its payouts and its commands have recorded. The answer covers the log as it stood when the ' +
    'first page was asked for.',
  access: auditorKey('audit:read'),
  params: z.object({ thing }),
  query: z.object({ limit, cursor: cursor.optional() }),
  answers: { 200: json(answer, 'A page of the timeline.') },
  refuses: ['audit_subject_not_found', 'audit_busy'],
  async handle(request) {
    const { thing: name } = request.params
    const query = request.query
    const asked = { name, operatorId: request.principal.operatorId }
    const from = readCursor(request, 'history', asked, query.cursor)
    const question = { type: 'audit.HistoryRead.v1' as const, data: { thing: name } }
    const body = await audited(request, question, from !== undefined, async (ground) => {
      const continuation = from ? { ...from, after: from.after } : await firstContinuation(ground.log)
      const page = await readHistory(ground, name, continuation, query.limit ?? LIMIT_DEFAULT)
      const found = (from?.found ?? 0) + page.described.length
      if (found === 0 && !page.next) return { answer: undefined, last: page.last }
      return {
        last: page.last,
        answer: {
          thing: name,
          events: page.described.map((each) => shownEvent(request, each)),
          count: page.described.length,
          read_up_to: shownEnd(request, page.last),
          events_read: ground.budget.spent(),
          next_cursor: page.next
            ? writeCursor(request, 'history', asked, { ...page.next, teachers: [...page.next.teachers], found })
            : null,
        },
      }
    })
    return { status: 200, body }
  },
})
