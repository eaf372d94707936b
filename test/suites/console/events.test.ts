import { console } from '../../../src/contexts/console.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({ context: console, examples: examplesOf('console'), streamOf })
