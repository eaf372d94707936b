/** What auditors can check of noctant, and what its things are known by. */
import { engineEvents } from '../../events/noctant/engine.ts'
import type { AuditDeclarations } from '../declarations.ts'
import { moneyBook } from './books.ts'
import { engineLedger } from './ledger.ts'

/** The engine numbers what it says, and an account what it asks of the engine. */
const counted = [...Object.keys(engineEvents), 'noctant.EngineCommandRequested.v1']

const attempt = ['programAccountId', 'attemptId', 'accountId']

export const noctantBooks: AuditDeclarations = {
  categories: [
    'noctant.challengeRequest',
    'noctant.engine',
    'noctant.engineCommand',
    'noctant.engineQuarantine',
    'noctant.operatorSlug',
    'noctant.payoutRequest',
    'noctant.productSlug',
    'noctant.productSpace',
  ],
  logBooks: [moneyBook],
  streamBooks: { 'noctant.engine': [engineLedger] },
  sequences: Object.fromEntries(counted.map((type) => [type, 'sequence'])),
  mentions: {
    'noctant.OperatorCreated.v1': { isCreation: true, names: ['slug'] },
    'noctant.OperatorSlugClaimed.v1': { isCreation: true },
    'noctant.UserProvisioned.v1': { isCreation: true, names: ['externalId'] },
    'noctant.AccountOpened.v1': { isCreation: true, names: ['externalAccountId'], owns: attempt },
    'noctant.AccountAttemptStarted.v1': { owns: [...attempt, 'priorAccountId'] },
    'noctant.AccountCorrectionRequested.v1': { owns: ['correctionId', 'commandId'] },
    'noctant.EngineCommandRequested.v1': { owns: ['commandId'] },
    'noctant.EngineCommandRetryRequested.v1': { owns: ['commandId'] },
    'noctant.EngineAccountOpened.v1': { isCreation: true, owns: ['commandId'] },
    'noctant.EngineReplaySessionCreated.v1': { isCreation: true, owns: ['commandId'] },
    'noctant.PayoutExecutionRequested.v1': { owns: ['commandId'] },
    'noctant.ProductCreated.v1': { isCreation: true, names: ['slug'] },
    'noctant.ProductSlugClaimed.v1': { isCreation: true },
    'noctant.ChallengeStarted.v1': { names: ['externalAccountId'] },
    'noctant.LaunchSessionCreated.v1': { isCreation: true, names: ['externalUserId'] },
    'noctant.HistoricalSessionRequested.v1': { names: ['externalUserId'] },
    'noctant.WebhookReplayRequested.v1': { names: ['externalAccountId'] },
  },
}
