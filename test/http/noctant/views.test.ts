import { noctant } from '../../../src/contexts/noctant.ts'
import { runViewSuite } from '../../suites/views.ts'
import { noctantViews } from './views.ts'

runViewSuite(noctant, noctantViews)
