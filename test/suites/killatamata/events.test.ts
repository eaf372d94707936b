import { killatamata } from '../../../src/contexts/killatamata.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({
  ...{ context: killatamata, examples: examplesOf('killatamata'), streamOf },
  // Names of streams that no account has, of what a provider has, and of a mail’s owner, which is nobody.
  foreignIds: [
    ...['affiliateAccountId', 'codeId', 'identityId', 'linkId', 'mailId', 'ownerId', 'providerId'],
    // Of a request for jobs.
    'requestId',
    // Whoever reviewed it.
    'reviewerId',
  ],
  personal: [
    'killatamata.AccountOpened.v1 email',
    'killatamata.AffiliateApplied.v1 contactEmail',
    'killatamata.AffiliateApplied.v1 countryCode',
    'killatamata.AffiliateApplied.v1 displayName',
    'killatamata.AffiliateApplied.v1 payoutAddress',
    'killatamata.AffiliateUpdated.v1 contactEmail',
    'killatamata.AffiliateUpdated.v1 countryCode',
    'killatamata.AffiliateUpdated.v1 displayName',
    'killatamata.AffiliateUpdated.v1 payoutAddress',
    'killatamata.CodeRequested.v1 email',
    'killatamata.MailRequested.v1 code',
    'killatamata.MailRequested.v1 html',
    'killatamata.MailRequested.v1 subject',
    'killatamata.MailRequested.v1 text',
    'killatamata.MailRequested.v1 to',
    'killatamata.MailRequested.v1 token',
    'killatamata.PayoutRequested.v1 note',
    'killatamata.SettingsChanged.v1 userDisplayName',
  ],
})
