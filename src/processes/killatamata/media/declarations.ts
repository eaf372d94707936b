/** Media's processes: the runner in its own role, which may be apart from the API, and callbacks beside other webhooks. */
import type { ContextParts, ProcessDeclaration, RunningProcess } from '../../../context.ts'
import { newProcessHealth, type ProcessDependencies } from '../../process.ts'
import type { OpenMedia } from './opening.ts'

const MEDIA = 'killatamata-media'
const CALLBACKS = 'killatamata-callbacks'

/** Opens what it needs, and closes it behind it; all of it is loaded where the role runs. */
function start(
  parts: ContextParts,
  name: string,
  run: (opened: OpenMedia, dependencies: ProcessDependencies) => Promise<void>,
): RunningProcess {
  const health = newProcessHealth()
  const dependencies = parts.dependenciesOf(name, health)
  const work = async () => {
    const { openMedia } = await import('./opening.ts')
    const opened = await openMedia(parts, name)
    try {
      await run(opened, dependencies)
    } finally {
      await opened.close()
    }
  }
  return { ended: work(), health }
}

const startRunner = (parts: ContextParts) =>
  start(parts, MEDIA, async ({ media }, dependencies) => {
    const { runMedia } = await import('./runner.ts')
    await runMedia({ ...dependencies, media })
  })

const startCallbacks = (parts: ContextParts) =>
  start(parts, CALLBACKS, async ({ media, keys }, dependencies) => {
    const { runCallbacks } = await import('./callbacks.ts')
    await runCallbacks({ ...dependencies, media, keys })
  })

export const mediaProcesses: readonly ProcessDeclaration[] = [
  { leads: [MEDIA], role: 'media', start: startRunner },
  { leads: [CALLBACKS], role: 'webhooks', start: startCallbacks },
]
