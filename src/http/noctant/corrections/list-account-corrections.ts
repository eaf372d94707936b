/** GET /v1/users/{global_user_id}/account-corrections: a user's corrections, newest first, a page at a time. */
import { listCorrections } from '../../../projections/noctant/correction.ts'
import { operatorKey } from '../access.ts'
import { idColumn, timeColumn, userList } from '../pages.ts'
import { correctionSchema, correctionView } from './correction-view.ts'

export const listAccountCorrections = userList({
  path: '/v1/users/{global_user_id}/account-corrections',
  id: 'listAccountCorrections',
  tags: ['Account Corrections'],
  summary: 'A user’s corrections, newest first',
  description: 'Answers the user’s corrections with how far each has come, a page at a time.',
  access: operatorKey('account_corrections:read'),
  answer: 'AccountCorrectionsListResponse',
  cursor: 'AccountCorrectionListCursor',
  items: 'corrections',
  view: correctionSchema,
  by: { requested_at: timeColumn, correction_id: idColumn },
  says: 'A page of corrections.',
  rows: listCorrections,
  show: correctionView,
})
