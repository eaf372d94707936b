import { noctant } from '../../../src/contexts/noctant.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({
  ...{ context: noctant, examples: examplesOf('noctant'), streamOf },
  foreignIds: ['externalId', 'externalAccountId', 'externalUserId'],
})
