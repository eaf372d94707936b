/** Noctant's answers that show a view: how each command's answer and each read make it. */
import { account } from '../../../src/commands/noctant/account.ts'
import { challenge } from '../../../src/commands/noctant/challenge.ts'
import { launchSession } from '../../../src/commands/noctant/launch-session.ts'
import { payouts } from '../../../src/commands/noctant/payouts.ts'
import { product } from '../../../src/commands/noctant/product.ts'
import { user } from '../../../src/commands/noctant/user.ts'
import { accountEvents } from '../../../src/events/noctant/account.ts'
import { challengeEvents } from '../../../src/events/noctant/challenge.ts'
import { payoutEvents } from '../../../src/events/noctant/payout.ts'
import { productEvents } from '../../../src/events/noctant/product.ts'
import { viewOf as accountViewOf } from '../../../src/http/noctant/accounts/account-view.ts'
import { viewOf as challengeViewOf, shown } from '../../../src/http/noctant/challenges/challenge-view.ts'
import { correctionView, viewOf as correctionViewOf } from '../../../src/http/noctant/corrections/correction-view.ts'
import { viewOf as launchViewOf } from '../../../src/http/noctant/launches/launch-view.ts'
import { statementView, viewOf as statementViewOf } from '../../../src/http/noctant/payouts/payout-view.ts'
import { viewOf as productViewOf, shown as shownProduct } from '../../../src/http/noctant/products/product-view.ts'
import { viewOf as userViewOf } from '../../../src/http/noctant/users/provision-user.ts'
import { findAccount } from '../../../src/projections/noctant/account.ts'
import { findChallenge } from '../../../src/projections/noctant/challenge.ts'
import { findCorrection } from '../../../src/projections/noctant/correction.ts'
import { findLaunchSession } from '../../../src/projections/noctant/launch-session.ts'
import { findStatement } from '../../../src/projections/noctant/payout-statement.ts'
import { findProduct } from '../../../src/projections/noctant/product.ts'
import { findUser } from '../../../src/projections/noctant/user.ts'
import { type ExampleType, example, ids } from '../../support/examples.ts'
import { type AnsweredView, answeredView, type ContextViews } from '../views.ts'

const { operator, user: userId } = ids
const typesOf = (events: object) => Object.keys(events) as ExampleType[]
const { payoutRequestId } = example('noctant.PayoutRequested.v1').data

const views: readonly AnsweredView[] = [
  answeredView(account, {
    operations: ['createAccount', 'updateAccountStatusByExternalId'],
    history: typesOf(accountEvents),
    viewOf: (state) => accountViewOf(state),
    read: (db) => findAccount(db, operator, example('noctant.AccountOpened.v1').data.externalAccountId),
  }),
  answeredView(account, {
    operations: ['createAccountCorrection'],
    history: ['noctant.AccountCorrectionRequested.v1'],
    viewOf: (_, events) => correctionViewOf(events),
    read: async (db) => {
      const { correctionId } = example('noctant.AccountCorrectionRequested.v1').data
      const found = await findCorrection(db, operator, userId, correctionId)
      return found && correctionView(found)
    },
  }),
  answeredView(challenge, {
    operations: ['createChallenge', 'resetChallenge'],
    history: typesOf(challengeEvents),
    viewOf: (state) => challengeViewOf(state),
    read: async (db) => {
      const found = await findChallenge(db, operator, example('noctant.ChallengeStarted.v1').data.instanceId)
      return found && shown(found)
    },
  }),
  answeredView(launchSession, {
    operations: ['createLaunchSession', 'createHistoricalLaunchSession'],
    history: ['noctant.LaunchSessionCreated.v1'],
    viewOf: (state) => launchViewOf(state),
    read: (db) => findLaunchSession(db, operator, ids.launchSession),
  }),
  answeredView(payouts, {
    operations: [
      'createPayoutRequest',
      'approvePayoutRequest',
      'approveAndExecutePayoutRequest',
      'rejectPayoutRequest',
      'updatePayoutSettlement',
    ],
    history: typesOf(payoutEvents),
    viewOf: ({ payouts: all }) => statementViewOf(all.get(payoutRequestId)!),
    read: async (db) => {
      const found = await findStatement(db, operator, userId, payoutRequestId)
      return found && statementView(found)
    },
  }),
  answeredView(product, {
    operations: ['createProduct'],
    history: typesOf(productEvents),
    viewOf: (state) => productViewOf(state),
    read: async (db) => {
      const found = await findProduct(db, operator, example('noctant.ProductCreated.v1').data.productId)
      return found && shownProduct(found)
    },
  }),
  answeredView(user, {
    operations: ['provisionUser'],
    // A forgotten user has no answer: the command is refused.
    history: ['noctant.UserProvisioned.v1', 'noctant.UserProfileRefreshed.v1'],
    viewOf: (state) => userViewOf(state),
    read: (db) => findUser(db, operator, userId),
  }),
]

export const noctantViews: ContextViews = {
  views,
  withoutView: {
    closeAllPositionsByExternalId: 'answers the id of its command',
    createWebhookReplay: 'answers what was enqueued; no read shows a replay',
    reportKycStatus: 'answers the standing report; no read shows it',
    rotateOperatorApiKey: 'answers the key, which nothing keeps',
  },
}
