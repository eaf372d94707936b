/** `opslog projections pause | resume`: whether any process writes the read models. */
import { projectionsCheckpoint } from '../projections/checkpoint.ts'
import { pauseProjector, resumeProjector } from '../projections/control.ts'
import { contexts } from './contexts.ts'
import { withProjectionSession } from './projections-session.ts'
import type { OutputOptions } from './table-output.ts'
import { CliError, EXIT, show } from './terminal.ts'

export async function pause(options: OutputOptions): Promise<void> {
  await withProjectionSession(async ({ db }) => {
    const paused = await Promise.all(contexts.map(({ name }) => pauseProjector(db, projectionsCheckpoint(name))))
    if (!paused.includes(true)) throw new CliError(EXIT.refused, 'nothing has been projected yet')
    show({ paused: true }, options, () => 'paused: no process writes the read models until `opslog projections resume`')
  })
}

export async function resume(options: OutputOptions): Promise<void> {
  await withProjectionSession(async ({ db }) => {
    const resumed = await Promise.all(contexts.map(({ name }) => resumeProjector(db, projectionsCheckpoint(name))))
    const changed = resumed.includes(true)
    show({ paused: false, changed }, options, () => (changed ? 'the projector goes on' : 'it was not paused'))
  })
}
