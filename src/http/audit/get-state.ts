/** GET /v1/states/{thing}: what was true of a thing at a moment, and what is different from another one. */
import { z } from '@hono/zod-openapi'
import { type Moment, parseMoment } from '../../audit/moment.ts'
import { createBudget } from '../../audit/scan.ts'
import { changesBetween, plain, readStates, type StateContinuation, type StreamAt } from '../../audit/state.ts'
import { json } from '../answers.ts'
import { invalid } from '../errors.ts'
import { auditorKey, operation } from './access.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { type Reader, seesEverything, shownChange, shownEnd, withoutPositions } from './positions.ts'
import { audited } from './reading.ts'
import { auditScanned, cursor, difference, moment, streamState, thing } from './schemas.ts'

const answer = z
  .object({
    thing,
    at: moment.nullable().openapi({ type: ['string', 'null'], description: 'As it was asked; null: now.' }),
    streams: z.array(streamState).openapi({ description: 'One state per stream of the thing, oldest first.' }),
    differences: z
      .array(difference)
      .nullable()
      .openapi({ type: ['array', 'null'], description: 'Null where no second moment was named.' }),
    ...auditScanned,
  })
  .openapi('AuditState')

const stateView = (reader: Reader, { stream, revision, lastEventAt, state }: StreamAt) => ({
  stream,
  revision: `${revision}`,
  last_event_at: lastEventAt,
  state: withoutPositions(reader, stream, plain(state)),
})

export const getState = operation({
  method: 'get',
  path: '/v1/states/{thing}',
  id: 'getState',
  tags: ['Reading'],
  summary: 'What was true at a moment',
  description:
    'Folded from the events alone, as decisions fold them, so that it is what a GET returned then. An answer with a ' +
    'cursor has not found all of the thing’s streams yet and shows none; the last one shows the state.',
  access: auditorKey('audit:read'),
  params: z.object({ thing }),
  query: z.object({
    at: moment.optional().openapi({ description: 'The moment; default: now.' }),
    diffFrom: moment.optional().openapi({ description: 'Another moment: its state is the `before` of differences.' }),
    cursor: cursor.optional(),
  }),
  answers: { 200: json(answer, 'The state, or a cursor on the way to it.') },
  refuses: ['audit_too_large', 'audit_subject_not_found', 'audit_busy'],
  async handle(request) {
    const { thing: name } = request.params
    const { cursor: text } = request.query
    const [at, diffFrom] = [momentOf(request, 'at'), momentOf(request, 'diffFrom')]
    const asked = { name, operatorId: request.principal.operatorId, at, diffFrom }
    const from = readCursor(request, 'state', asked, text)
    const data = { thing: name, at: at ?? null, diffFrom: diffFrom ?? null }
    const body = await audited(request, { type: 'audit.StateRead.v1', data }, from !== undefined, async (ground) => {
      const until = from?.until ?? (await ground.log.head()) ?? 0n
      const moments = [momentAt(at, until), ...(diffFrom === undefined ? [] : [momentAt(diffFrom, until)])]
      const continuation: StateContinuation = from
        ? { ...from, after: from.after }
        : { after: undefined, until, teachers: [], categories: [] }
      const { stateEventsMax: eventsMax, timeMaxMs } = request.limits
      const folding = createBudget({ eventsMax, timeMaxMs, signal: request.caller.signal() })
      const question = { thing: name, moments, folding }
      const { states, next, last } = await readStates(ground, question, continuation)
      const [state = [], before] = states
      if (!next && state.length === 0 && (before ?? []).length === 0) return { answer: undefined, last }
      const changes = before && changesBetween(before, state)
      return {
        last,
        answer: {
          thing: name,
          at: request.query.at ?? null,
          streams: state.map((each) => stateView(request, each)),
          differences: changes?.map((change) => shownChange(request, change)) ?? null,
          read_up_to: shownEnd(request, last),
          events_read: ground.budget.spent() + folding.spent(),
          next_cursor: next
            ? writeCursor(request, 'state', asked, {
                ...next,
                teachers: [...next.teachers],
                categories: [...next.categories],
              })
            : null,
        },
      }
    })
    return { status: 200, body }
  },
})

/**
 * The moment as the log knows it. A position may come sealed, from an answer or its header; in clear it is taken of those
 * alone who see everything, since others would find out where their events stand by trying. Throws a Problem (400).
 */
function momentOf(
  { query, principal, sealer }: Reader & { query: { at?: string | undefined; diffFrom?: string | undefined } },
  name: 'at' | 'diffFrom',
): string | undefined {
  const text = query[name]
  const moment = text === undefined ? undefined : parseMoment(text)
  if (text === undefined || (moment && ('time' in moment || seesEverything(principal)))) return text
  const position = sealer.openPosition(text)
  if (position !== undefined) return position.toString()
  throw invalid(`query/${name}`, 'invalid_format', 'A moment is an RFC 3339 time, or a position as an answer shows it.')
}

const momentAt = (text: string | undefined, until: bigint): Moment =>
  (text === undefined ? undefined : parseMoment(text)) ?? { position: until }
