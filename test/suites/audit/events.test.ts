import { audit } from '../../../src/contexts/audit.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({ context: audit, examples: examplesOf('audit'), streamOf })
