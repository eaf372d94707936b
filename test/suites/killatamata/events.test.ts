import { killatamata } from '../../../src/contexts/killatamata.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({
  ...{ context: killatamata, examples: examplesOf('killatamata'), streamOf },
  // Names of streams that no account has, of what a provider has, and of a mail’s owner, which is nobody.
  foreignIds: ['codeId', 'identityId', 'linkId', 'mailId', 'ownerId', 'providerId'],
})
