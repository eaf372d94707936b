/** GET /v1/historical-sessions/{backtest_run_id}: a replay or a backtest, with its figures once it is completed. */
import { z } from '@hono/zod-openapi'
import { json } from '../../answers.ts'
import { uuid } from '../../schemas.ts'
import { operatorKey, read } from '../access.ts'
import { historicalSessionView, sessionOf, sessionView } from './historical-session-view.ts'

const answer = z.object({ session: historicalSessionView }).openapi('HistoricalSessionResponse')

export const getHistoricalSession = read({
  path: '/v1/historical-sessions/{backtest_run_id}',
  id: 'getHistoricalSession',
  tags: ['Historical Sessions'],
  summary: 'A historical session by its run’s id',
  description: 'Answers a replay or a backtest with its results, once they are known.',
  access: operatorKey('historical_sessions:read'),
  params: z.object({ backtest_run_id: uuid }),
  answer: json(answer, 'The session.'),
  refuses: ['historical_session_not_found'],
  async handle({ db, principal, params }) {
    return { session: sessionView(await sessionOf(db, principal.operatorId, params.backtest_run_id)) }
  },
})
