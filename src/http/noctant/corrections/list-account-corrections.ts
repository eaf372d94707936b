/** GET /v1/users/{global_user_id}/account-corrections: a user's corrections, newest first, a page at a time. */
import { z } from '@hono/zod-openapi'
import { listCorrections } from '../../../projections/noctant/correction.ts'
import { json } from '../../answers.ts'
import { uuid } from '../../schemas.ts'
import { list, operatorKey } from '../access.ts'
import { idColumn, pages, timeColumn } from '../pages.ts'
import { requireUser } from '../reading.ts'
import { correctionSchema, correctionView } from './correction-view.ts'

const { schema, paging, body } = pages({
  answer: 'AccountCorrectionsListResponse',
  cursor: 'AccountCorrectionListCursor',
  items: 'corrections',
  view: correctionSchema,
  by: { requested_at: timeColumn, correction_id: idColumn },
})

export const listAccountCorrections = list({
  path: '/v1/users/{global_user_id}/account-corrections',
  id: 'listAccountCorrections',
  tags: ['Account Corrections'],
  summary: 'A user’s corrections, newest first',
  access: operatorKey('account_corrections:read'),
  params: z.object({ global_user_id: uuid }),
  answer: json(schema, 'A page of corrections.'),
  refuses: ['user_not_found'],
  paging,
  async rows({ db, principal: { operatorId }, params: { global_user_id: userId }, after: before, limit }) {
    await requireUser(db, operatorId, userId)
    return { rows: await listCorrections(db, { operatorId, userId }, { before, limit }) }
  },
  page: (page) => body(page.rows.map(correctionView), page),
})
