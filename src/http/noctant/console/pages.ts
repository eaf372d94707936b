/** Noctant’s pages in the console. */
import type { Audience, ContextConsole, PageDeclaration, View } from '../../pages/declaration.ts'
import { finderOf } from '../../pages/things.ts'
import { consoleSignIn, type NoctantParts } from '../access.ts'
import { accountActions } from './account-actions.ts'
import { showAccount, showAccounts } from './accounts.ts'
import { noctantCards } from './cards.ts'
import { deadLetterActions } from './dead-letter-actions.ts'
import { showDeadLetter, showDeadLetters } from './dead-letters.ts'
import * as deliveries from './deliveries.ts'
import { resend } from './delivery-actions.ts'
import { ENDPOINTS, endpointActions, showEndpoint, showEndpoints } from './endpoints.ts'
import * as lists from './lists.ts'
import { operatorActions } from './operator-actions.ts'
import { payoutActions } from './payout-actions.ts'
import { commandPlots, webhookPlots, withPlots } from './plots.ts'
import * as pages from './thing-pages.ts'
import {
  accountThings,
  challengeThings,
  commandThings,
  correctionThings,
  deliveryThings,
  historicalThings,
  keyThings,
  launchThings,
  operatorThings,
  payoutThings,
  productThings,
  userThings,
} from './things.ts'
import { userActions } from './user-actions.ts'

type Page = PageDeclaration<NoctantParts>

const both: readonly Audience[] = ['administrator', 'operator']

/** A list, and the page of one of its things. */
const listAndPage = (
  title: string,
  { path, kind }: { path: string; kind: string },
  scope: string,
  [list, page]: readonly [View<NoctantParts>, View<NoctantParts>],
): Page[] => {
  const shared = { group: 'operate', audience: both, scopes: [scope] } as const
  return [
    { ...shared, path, title, view: list },
    { ...shared, path: `${path}/:id`, title: `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`, view: page },
  ]
}

const administered = (
  title: string,
  { path, kind }: { path: string; kind: string },
  list: View<NoctantParts>,
  page: View<NoctantParts>,
): Page[] => {
  const shared = { group: 'administer', audience: ['administrator'] } as const
  return [
    { ...shared, path, title, view: list },
    { ...shared, path: `${path}/:id`, title: kind, view: page },
  ]
}

const commandsPage = withPlots(deliveries.showCommands, commandPlots)
const webhooksPage = withPlots(deliveries.showDeliveries, webhookPlots)
const wentOut = { group: 'run', audience: both } as const
const letters = { group: 'run', audience: ['administrator'] } as const
const ofWebhooks = { scopes: ['webhook_deliveries:read'] } as const

export const noctantConsole: ContextConsole<NoctantParts> = {
  title: 'Noctant',
  signIn: consoleSignIn,
  pages: [
    ...listAndPage('Accounts', accountThings, 'accounts:read', [showAccounts, showAccount]).map((page, at) =>
      at === 0 ? { ...page, key: 'a' } : page,
    ),
    ...listAndPage('Users', userThings, 'users:read', [lists.showUsers, pages.showUser]),
    ...listAndPage('Products', productThings, 'products:read', [lists.showProducts, pages.showProduct]),
    ...listAndPage('Challenges', challengeThings, 'challenges:read', [lists.showChallenges, pages.showChallenge]),
    ...listAndPage('Payouts', payoutThings, 'payouts:read', [lists.showPayouts, pages.showPayout]),
    ...listAndPage('Corrections', correctionThings, 'account_corrections:read', [
      lists.showCorrections,
      pages.showCorrection,
    ]),
    ...listAndPage('Launches', launchThings, 'launch_sessions:read', [lists.showLaunches, pages.showLaunch]),
    ...listAndPage('Historical sessions', historicalThings, 'historical_sessions:read', [
      lists.showHistoricalSessions,
      pages.showHistoricalSession,
    ]),
    { ...wentOut, path: '/commands', title: 'Commands', audience: ['administrator'], view: commandsPage },
    { ...wentOut, path: '/commands/:id', title: 'Command', scopes: ['accounts:read'], view: deliveries.showCommand },
    { ...wentOut, ...ofWebhooks, path: '/webhooks', title: 'Webhooks', key: 'w', view: webhooksPage },
    { ...wentOut, ...ofWebhooks, path: '/webhooks/:id', title: 'Webhook', view: deliveries.showDelivery },
    { ...wentOut, ...ofWebhooks, path: ENDPOINTS, title: 'Webhook endpoints', view: showEndpoints },
    { ...wentOut, ...ofWebhooks, path: `${ENDPOINTS}/:id`, title: 'Webhook endpoint', view: showEndpoint },
    { ...letters, path: '/dead-letters', title: 'Dead letters', view: showDeadLetters },
    { ...letters, path: '/dead-letters/:id', title: 'Dead letter', view: showDeadLetter },
    ...administered('Operators', operatorThings, lists.showOperators, pages.showOperator),
    ...administered('API keys', keyThings, lists.showKeys, pages.showKey),
  ],
  actions: [
    ...accountActions,
    ...payoutActions,
    ...userActions,
    ...operatorActions,
    ...deadLetterActions,
    ...endpointActions,
    resend,
  ],
  cards: noctantCards,
  finders: [
    ...[accountThings, userThings, productThings, challengeThings, payoutThings, correctionThings].map((each) =>
      finderOf(each as never),
    ),
    ...[launchThings, historicalThings, deliveryThings, commandThings].map((each) => finderOf(each as never)),
    // Their pages are for administrators.
    ...[operatorThings, keyThings].map((each) => finderOf({ ...each, tenant: undefined } as never)),
  ],
}
