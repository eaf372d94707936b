import { ostium } from '../../../src/contexts/ostium.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({
  ...{ context: ostium, examples: examplesOf('ostium'), streamOf },
  // It has no tenants, so that nothing is a tenant's.
  foreignIds: ['actionId', 'agentId', 'apiKeyId', 'chainId', 'orderId'],
})
