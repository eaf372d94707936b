/** GET /v1/users/{global_user_id}/account-corrections/{correction_id}: one correction and what became of it. */
import { z } from '@hono/zod-openapi'
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { findCorrection } from '../../../projections/noctant/correction.ts'
import { json } from '../../answers.ts'
import { uuid } from '../../schemas.ts'
import { operatorKey, read } from '../access.ts'
import { correctionAnswer, correctionView } from './correction-view.ts'

export const getAccountCorrection = read({
  path: '/v1/users/{global_user_id}/account-corrections/{correction_id}',
  id: 'getAccountCorrection',
  tags: ['Account Corrections'],
  summary: 'A correction of a balance',
  description: 'Answers one of the user’s corrections and how far it has come.',
  access: operatorKey('account_corrections:read'),
  params: z.object({ global_user_id: uuid, correction_id: uuid }),
  answer: json(correctionAnswer, 'The correction, as far as it has come.'),
  refuses: ['correction_not_found'],
  async handle({ db, principal, params: { global_user_id: userId, correction_id: correctionId } }) {
    const found = await findCorrection(db, principal.operatorId, userId, correctionId)
    if (!found) throw new Rejected('correction_not_found', 'The user has no correction of this id.')
    return { correction: correctionView(found) }
  },
})
