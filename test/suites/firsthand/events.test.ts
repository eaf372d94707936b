import { firsthand } from '../../../src/contexts/firsthand.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({ context: firsthand, examples: examplesOf('firsthand'), streamOf })
