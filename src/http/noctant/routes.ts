/** Noctant's operations, in the contract's order. */
import type { Operation } from '../operation.ts'
import { closeAllPositionsByExternalId } from './close-all-positions.ts'
import { createAccount } from './create-account.ts'
import { createAccountCorrection } from './create-account-correction.ts'
import { createHistoricalLaunchSession } from './create-historical-launch-session.ts'
import { createLaunchSession } from './create-launch-session.ts'
import { getAccountByExternalId } from './get-account.ts'
import { getAccountCommandStatusByExternalId } from './get-account-command-status.ts'
import { getAccountCorrection } from './get-account-correction.ts'
import { getAccountSummaryByExternalId } from './get-account-summary.ts'
import { getHistoricalSession } from './get-historical-session.ts'
import { getLaunchSession } from './get-launch-session.ts'
import { getOperatorContext } from './get-operator-context.ts'
import { getUser } from './get-user.ts'
import { getUserByExternalId } from './get-user-by-external-id.ts'
import { listAccountCorrections } from './list-account-corrections.ts'
import { listAccounts } from './list-accounts.ts'
import { listHistoricalSessionTrades } from './list-historical-session-trades.ts'
import { listHistoricalSessions } from './list-historical-sessions.ts'
import { listOrdersByExternalId } from './list-orders.ts'
import { listPositionsByExternalId } from './list-positions.ts'
import { listTradesByExternalId } from './list-trades.ts'
import { provisionUser } from './provision-user.ts'
import { reportKycStatus } from './report-kyc-status.ts'
import { rotateOperatorApiKey } from './rotate-api-key.ts'
import type { NoctantDeps } from './route.ts'
import { updateAccountStatusByExternalId } from './update-account-status.ts'

export const noctantOperations: readonly Operation<NoctantDeps>[] = [
  listAccounts,
  createAccount,
  getAccountByExternalId,
  closeAllPositionsByExternalId,
  getAccountCommandStatusByExternalId,
  listOrdersByExternalId,
  listPositionsByExternalId,
  updateAccountStatusByExternalId,
  getAccountSummaryByExternalId,
  listTradesByExternalId,
  createHistoricalLaunchSession,
  listHistoricalSessions,
  getHistoricalSession,
  listHistoricalSessionTrades,
  createLaunchSession,
  getLaunchSession,
  getOperatorContext,
  rotateOperatorApiKey,
  getUserByExternalId,
  provisionUser,
  getUser,
  listAccountCorrections,
  createAccountCorrection,
  getAccountCorrection,
  reportKycStatus,
]
