import { rungate } from '../../../src/contexts/rungate.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({ context: rungate, examples: examplesOf('rungate'), streamOf })
