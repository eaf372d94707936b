import { firsthand } from '../../../src/contexts/firsthand.ts'
import { runViewSuite } from '../../suites/views.ts'
import { firsthandViews } from './views.ts'

runViewSuite(firsthand, firsthandViews)
