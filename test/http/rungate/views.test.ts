import { rungate } from '../../../src/contexts/rungate.ts'
import { runViewSuite } from '../../suites/views.ts'
import { rungateViews } from './views.ts'

runViewSuite(rungate, rungateViews)
