import { ostium } from '../../../src/contexts/ostium.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({ context: ostium, examples: examplesOf('ostium'), streamOf })
