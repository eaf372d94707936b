/** Noctant's operations, in the contract's order. */
import type { Operation } from '../operation.ts'
import type { NoctantParts } from './access.ts'
import { closeAllPositionsByExternalId } from './accounts/close-all-positions.ts'
import { createAccount } from './accounts/create-account.ts'
import { getAccountByExternalId } from './accounts/get-account.ts'
import { getAccountCommandStatusByExternalId } from './accounts/get-account-command-status.ts'
import { getAccountSummaryByExternalId } from './accounts/get-account-summary.ts'
import { listAccounts } from './accounts/list-accounts.ts'
import { listOrdersByExternalId } from './accounts/list-orders.ts'
import { listPositionsByExternalId } from './accounts/list-positions.ts'
import { listTradesByExternalId } from './accounts/list-trades.ts'
import { updateAccountStatusByExternalId } from './accounts/update-account-status.ts'
import { createChallenge } from './challenges/create-challenge.ts'
import { getChallenge } from './challenges/get-challenge.ts'
import { resetChallenge } from './challenges/reset-challenge.ts'
import { createAccountCorrection } from './corrections/create-account-correction.ts'
import { getAccountCorrection } from './corrections/get-account-correction.ts'
import { listAccountCorrections } from './corrections/list-account-corrections.ts'
import { getHistoricalSession } from './historical/get-historical-session.ts'
import { listHistoricalSessionTrades } from './historical/list-historical-session-trades.ts'
import { listHistoricalSessions } from './historical/list-historical-sessions.ts'
import { createHistoricalLaunchSession } from './launches/create-historical-launch-session.ts'
import { createLaunchSession } from './launches/create-launch-session.ts'
import { getLaunchSession } from './launches/get-launch-session.ts'
import { getOperatorContext } from './operator/get-operator-context.ts'
import { rotateOperatorApiKey } from './operator/rotate-api-key.ts'
import { approveAndExecutePayoutRequest } from './payouts/approve-and-execute-payout-request.ts'
import { approvePayoutRequest } from './payouts/approve-payout-request.ts'
import { createPayoutRequest } from './payouts/create-payout-request.ts'
import { getPayoutStatement } from './payouts/get-payout-statement.ts'
import { listPayoutStatements } from './payouts/list-payout-statements.ts'
import { listPayouts } from './payouts/list-payouts.ts'
import { rejectPayoutRequest } from './payouts/reject-payout-request.ts'
import { updatePayoutSettlement } from './payouts/update-payout-settlement.ts'
import { createProduct } from './products/create-product.ts'
import { getProduct } from './products/get-product.ts'
import { listProducts } from './products/list-products.ts'
import { getUser } from './users/get-user.ts'
import { getUserByExternalId } from './users/get-user-by-external-id.ts'
import { provisionUser } from './users/provision-user.ts'
import { reportKycStatus } from './users/report-kyc-status.ts'
import { createWebhookReplay } from './webhooks/create-webhook-replay.ts'
import { listWebhookDeliveries } from './webhooks/list-webhook-deliveries.ts'

export const operations: readonly Operation<NoctantParts>[] = [
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
