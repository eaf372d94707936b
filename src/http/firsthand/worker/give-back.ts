/** DELETE /worker/v1/claims/{claim_id}: gives a seat back. */
import { job } from '../../../commands/firsthand/job.ts'
import { empty } from '../../answers.ts'
import { workers, workerToken } from './access.ts'
import { ownClaim } from './own.ts'
import { claimParams } from './views.ts'

/** A claim that is free already is no failure. */
export const giveBackClaim = workers.write({
  method: 'delete',
  path: '/worker/v1/claims/{claim_id}',
  id: 'giveBackClaim',
  tags: ['Work'],
  summary: 'Give a claim back',
  description: 'Frees the seat at once, for whoever comes next.',
  access: workerToken,
  rate: 'worker',
  params: claimParams,
  answers: { 204: empty('The seat is free.') },
  refuses: ['claim_not_found', 'claim_submitted'],
  async handle({ bus, db, principal, params: { claim_id: claimId }, command }) {
    const { job_id } = await ownClaim(db, principal, claimId)
    const release = { kind: 'release', cause: 'given_back', claimId, at: command.at } as const
    return { status: 204, handled: await bus.handle(job, job_id, release, command) }
  },
})
