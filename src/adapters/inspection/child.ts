/** The inspector's child process: takes one request after the other from its parent, and ends when the parent does. */
import './no-network.ts'
import { inspect } from './inspect.ts'
import type { InspectionRequest } from './inspection.ts'
import type { Answer } from './inspector.ts'

const answer = (message: Answer): void => void process.send?.(message)

process.on('message', (request: InspectionRequest) => {
  inspect(request).then(
    (inspection) => answer({ inspection }),
    (error: unknown) => answer({ failure: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
