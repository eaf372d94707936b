import { runOperationSuites } from '../operations.ts'
import { noctantGround } from './ground.ts'

runOperationSuites(await noctantGround())
