/** The command line as a program; what it does stands in program.ts. */
import { run } from './program.ts'
import { EXIT } from './terminal.ts'

// A reader may close the pipe early, as `| head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.refused),
)
await run(process.argv.slice(2))
