/**
 * Ids as people type them: whole, or a beginning as lists show it where room is short. What begins no id is given back as it
 * is, for the command to refuse. Throws CliError (refused) with the candidates where several ids begin so.
 */
import type { ReadModels } from '../../postgres/database.ts'
import { accountIdsBeginning } from '../../projections/killatamata/account.ts'
import { affiliateIdsBeginning, payoutRequestIdsBeginning } from '../../projections/killatamata/affiliate.ts'
import { isBeginning, wholeId } from '../whole-id.ts'

const whole =
  (idsBeginning: (db: ReadModels, beginning: string) => Promise<string[]>) =>
  async (db: ReadModels, named: string): Promise<string> =>
    isBeginning(named) ? (wholeId(named, await idsBeginning(db, named)) ?? named) : named

export const wholeAccountId = whole(accountIdsBeginning)
export const wholeAffiliateId = whole(affiliateIdsBeginning)
export const wholePayoutRequestId = whole(payoutRequestIdsBeginning)
