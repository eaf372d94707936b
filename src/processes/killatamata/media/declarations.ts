/** Media's processes: the runner in its own role, which may be apart from the API, and callbacks beside other webhooks. */
import type { ContextParts, ProcessDeclaration, RunningProcess } from '../../../context.ts'
import { newProcessHealth, type ProcessDependencies } from '../../process.ts'
import type { OpenMedia } from './opening.ts'

const MEDIA = 'killatamata-media'
const CALLBACKS = 'killatamata-callbacks'

/** The origin of the sandbox's stand-ins, which may be reached although they are on loopback; undefined: there are none. */
export type OriginOf = (parts: ContextParts) => Promise<string | undefined>
const nowhere: OriginOf = async () => undefined

/** Opens what it needs, and closes it behind it; all of it is loaded where the role runs. */
function start(
  parts: ContextParts,
  name: string,
  originOf: OriginOf,
  run: (opened: OpenMedia, dependencies: ProcessDependencies) => Promise<void>,
): RunningProcess {
  const health = newProcessHealth()
  const dependencies = parts.dependenciesOf(name, health)
  const work = async () => {
    const { openMedia } = await import('./opening.ts')
    const origin = await originOf(parts)
    const opened = await openMedia(parts, name, { sandboxOrigin: () => origin })
    try {
      await run(opened, dependencies)
    } finally {
      await opened.close()
    }
  }
  return { ended: work(), health }
}

const startRunner = (originOf: OriginOf) => (parts: ContextParts) =>
  start(parts, MEDIA, originOf, async ({ media }, dependencies) => {
    const { runMedia } = await import('./runner.ts')
    await runMedia({ ...dependencies, media })
  })

const startCallbacks = (originOf: OriginOf) => (parts: ContextParts) =>
  start(parts, CALLBACKS, originOf, async ({ media, keys }, dependencies) => {
    const { runCallbacks } = await import('./callbacks.ts')
    await runCallbacks({ ...dependencies, media, keys })
  })

export const mediaProcesses = (originOf: OriginOf = nowhere): readonly ProcessDeclaration[] => [
  { leads: [MEDIA], role: 'media', start: startRunner(originOf) },
  { leads: [CALLBACKS], role: 'webhooks', start: startCallbacks(originOf) },
]
