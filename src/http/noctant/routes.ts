/** Noctant's operations, in the contract's order. */
import type { Operation } from '../operation.ts'
import { approveAndExecutePayoutRequest } from './approve-and-execute-payout-request.ts'
import { approvePayoutRequest } from './approve-payout-request.ts'
import { closeAllPositionsByExternalId } from './close-all-positions.ts'
import { createAccount } from './create-account.ts'
import { createAccountCorrection } from './create-account-correction.ts'
import { createChallenge } from './create-challenge.ts'
import { createHistoricalLaunchSession } from './create-historical-launch-session.ts'
import { createLaunchSession } from './create-launch-session.ts'
import { createPayoutRequest } from './create-payout-request.ts'
import { createProduct } from './create-product.ts'
import { createWebhookReplay } from './create-webhook-replay.ts'
import { getAccountByExternalId } from './get-account.ts'
import { getAccountCommandStatusByExternalId } from './get-account-command-status.ts'
import { getAccountCorrection } from './get-account-correction.ts'
import { getAccountSummaryByExternalId } from './get-account-summary.ts'
import { getChallenge } from './get-challenge.ts'
import { getHistoricalSession } from './get-historical-session.ts'
import { getLaunchSession } from './get-launch-session.ts'
import { getOperatorContext } from './get-operator-context.ts'
import { getPayoutStatement } from './get-payout-statement.ts'
import { getProduct } from './get-product.ts'
import { getUser } from './get-user.ts'
import { getUserByExternalId } from './get-user-by-external-id.ts'
import { listAccountCorrections } from './list-account-corrections.ts'
import { listAccounts } from './list-accounts.ts'
import { listHistoricalSessionTrades } from './list-historical-session-trades.ts'
import { listHistoricalSessions } from './list-historical-sessions.ts'
import { listOrdersByExternalId } from './list-orders.ts'
import { listPayoutStatements } from './list-payout-statements.ts'
import { listPayouts } from './list-payouts.ts'
import { listPositionsByExternalId } from './list-positions.ts'
import { listProducts } from './list-products.ts'
import { listTradesByExternalId } from './list-trades.ts'
import { listWebhookDeliveries } from './list-webhook-deliveries.ts'
import { provisionUser } from './provision-user.ts'
import { rejectPayoutRequest } from './reject-payout-request.ts'
import { reportKycStatus } from './report-kyc-status.ts'
import { resetChallenge } from './reset-challenge.ts'
import { rotateOperatorApiKey } from './rotate-api-key.ts'
import type { NoctantDeps } from './route.ts'
import { updateAccountStatusByExternalId } from './update-account-status.ts'
import { updatePayoutSettlement } from './update-payout-settlement.ts'

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
  createChallenge,
  getChallenge,
  resetChallenge,
  createHistoricalLaunchSession,
  listHistoricalSessions,
  getHistoricalSession,
  listHistoricalSessionTrades,
  createLaunchSession,
  getLaunchSession,
  getOperatorContext,
  rotateOperatorApiKey,
  listProducts,
  createProduct,
  getProduct,
  getUserByExternalId,
  provisionUser,
  getUser,
  listAccountCorrections,
  createAccountCorrection,
  getAccountCorrection,
  reportKycStatus,
  createPayoutRequest,
  approvePayoutRequest,
  approveAndExecutePayoutRequest,
  updatePayoutSettlement,
  rejectPayoutRequest,
  listPayoutStatements,
  getPayoutStatement,
  listPayouts,
  listWebhookDeliveries,
  createWebhookReplay,
]
