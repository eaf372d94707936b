/** GET /v1/historical-sessions: the operator's replays and backtests, newest first, a page at a time. */

import { z } from '@hono/zod-openapi'
import { listHistoricalSessions as query } from '../../../projections/noctant/historical-session.ts'
import { externalId, uuid } from '../../schemas.ts'
import { operatorKey } from '../access.ts'
import { launchProductMode } from '../launches/launch-view.ts'
import { idColumn, pagedList, timeColumn } from '../pages.ts'
import { historicalSessionState, historicalSessionView, sessionView } from './historical-session-view.ts'

const filters = z.object({
  external_user_id: externalId.optional(),
  global_user_id: uuid.optional(),
  feed_id: uuid.optional(),
  launch_session_id: uuid.optional(),
  requested_product_mode: launchProductMode.optional(),
  state: historicalSessionState.optional(),
})

export const listHistoricalSessions = pagedList({
  path: '/v1/historical-sessions',
  id: 'listHistoricalSessions',
  tags: ['Historical Sessions'],
  summary: 'Replays and backtests, newest first',
  description: 'Answers the sessions that your launches opened, a page at a time. The parameters narrow the list down.',
  access: operatorKey('historical_sessions:read'),
  query: filters,
  answer: 'HistoricalSessionsResponse',
  cursor: 'HistoricalSessionListCursor',
  items: 'sessions',
  view: historicalSessionView,
  by: { created_at: timeColumn, session_id: idColumn },
  says: 'A page of sessions.',
  rows: ({ db, principal, query: filter }, page) => query(db, principal.operatorId, { filter, ...page }),
  show: sessionView,
})
