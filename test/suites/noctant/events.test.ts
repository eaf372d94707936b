import { noctant } from '../../../src/contexts/noctant.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({
  ...{ context: noctant, examples: examplesOf('noctant'), streamOf },
  foreignIds: ['externalId', 'externalAccountId', 'externalUserId'],
  personal: [
    'noctant.AccountOpened.v1 accountName',
    'noctant.KycReportOvertaken.v1 providerReference',
    'noctant.KycReportOvertaken.v1 rejectionReason',
    'noctant.KycStatusReported.v1 providerReference',
    'noctant.KycStatusReported.v1 rejectionReason',
    'noctant.LaunchSessionCreated.v1 returnUrl',
    'noctant.UserProfileRefreshed.v1 displayName',
    'noctant.UserProfileRefreshed.v1 email',
    'noctant.UserProvisioned.v1 displayName',
    'noctant.UserProvisioned.v1 email',
    'noctant.WebhookAttemptFinished.v1 responseExcerpt',
    'noctant.WebhookDeliveryRequested.v1 body',
  ],
})
