import { killatamata } from '../../../src/contexts/killatamata.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({
  ...{ context: killatamata, examples: examplesOf('killatamata'), streamOf },
  personal: [
    'killatamata.AccountOpened.v1 email',
    'killatamata.CodeRequested.v1 email',
    'killatamata.MailRequested.v1 code',
    'killatamata.MailRequested.v1 html',
    'killatamata.MailRequested.v1 subject',
    'killatamata.MailRequested.v1 text',
    'killatamata.MailRequested.v1 to',
    'killatamata.MailRequested.v1 token',
    'killatamata.SettingsChanged.v1 userDisplayName',
  ],
  // Names of streams that no account has, of what a provider has, of a mail’s owner, which is nobody, and of requests for jobs.
  foreignIds: ['codeId', 'identityId', 'linkId', 'mailId', 'ownerId', 'providerId', 'requestId'],
})
