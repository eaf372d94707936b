/**
 * Keeps the arcade in order: games and releases whose second step a crash has left out, launches that have ended by their time or by
 * their silence, and stored files that belong to no release.
 */
import { randomUUID } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { consequenceContext, systemContext } from '../../../commands/context.ts'
import { arcadeLaunch } from '../../../commands/killatamata/arcade-launch.ts'
import { arcadeRelease } from '../../../commands/killatamata/arcade-release.ts'
import type { Recorded } from '../../../events/event.ts'
import type { ArcadeGameEvent, ArcadeSlugEvent } from '../../../events/killatamata/arcade.ts'
import { type Delivered, isPoison } from '../../../events/subscription.ts'
import { findEndedLaunches } from '../../../projections/killatamata/arcade.ts'
import { createDueWork, type DueItem, type DueWork, usualPace } from '../../due-work.ts'
import { type ProcessDependencies, runProcess } from '../../process.ts'
import { ARCADE_FILES, releaseOfKey } from './files.ts'
import type { Arcade } from './parts.ts'
import { finishGame, finishRelease } from './releasing.ts'

export const ARCADE = 'killatamata-arcade'

const CLAIMED = 'killatamata.SlugClaimed.v1'
const ADDED = 'killatamata.ReleaseAdded.v1'
type Handled = ArcadeSlugEvent | ArcadeGameEvent
type Of<T extends Handled['type']> = Recorded<Extract<Handled, { type: T }>>

type Due = DueItem & { what: 'launch' | 'object' | 'folder' }
type Options = Pick<ProcessDependencies, 'log' | 'now'> & { arcade: Arcade }

const since = (time: Date, ageMs: number) => new Date(time.getTime() - ageMs)

/** Old files of releases that there are not, of one page of all files; `next`: what the next page comes after. */
export async function orphansIn(
  { bus, objects, limits }: Pick<Arcade, 'bus' | 'objects' | 'limits'>,
  { time, after, limit }: { time: Date; after: string | undefined; limit: number },
): Promise<{ keys: string[]; next: string | undefined }> {
  const page = await objects.list(ARCADE_FILES, after, limit)
  const old = page.filter(({ storedAt }) => storedAt < since(time, limits.ARCADE_ORPHAN_AGE_MS))
  const byRelease = Map.groupBy(old, ({ key }) => releaseOfKey(key) ?? '')
  const keys: string[] = []
  for (const [releaseId, files] of byRelease) {
    const { status } = await bus.current(arcadeRelease, releaseId)
    if (status === 'absent') keys.push(...files.map(({ key }) => key))
  }
  return { keys, next: page.length < limit ? undefined : page.at(-1)?.key }
}

export function createArcadeSweep({ arcade, log, now = () => new Date() }: Options): DueWork<Due> {
  const { bus, db, objects, directory, limits } = arcade
  /** Each look goes on behind the one before. */
  let after: string | undefined

  async function endedLaunches(time: Date, limit: number): Promise<Due[]> {
    const silent = since(time, limits.ARCADE_SILENCE_MAX_MS).toISOString()
    const rows = await findEndedLaunches(db, time.toISOString(), silent, limit)
    return rows.map(({ session_id: id }) => ({ id, key: id, what: 'launch' }))
  }

  async function orphans(time: Date, limit: number): Promise<Due[]> {
    const { keys, next } = await orphansIn(arcade, { time, after, limit })
    after = next
    return keys.map((key) => ({ id: key, key, what: 'object' }))
  }

  /** What uploads have left that ended midway. */
  async function oldFolders(time: Date, limit: number): Promise<Due[]> {
    const due: Due[] = []
    for (const name of await readdir(directory)) {
      const found = await stat(join(directory, name)).catch(() => undefined)
      if (!found || found.mtime >= since(time, limits.ARCADE_ORPHAN_AGE_MS)) continue
      due.push({ id: name, key: name, what: 'folder' })
      if (due.length === limit) break
    }
    return due
  }

  return createDueWork<Due>({
    ...{ name: 'launches that have ended and files that nobody has', log, now },
    limits: {
      ...{ ...usualPace, keyConcurrencyMax: 1, keyQueueMax: limits.ARCADE_SWEEP_BATCH_MAX },
      ...{ batchMax: limits.ARCADE_SWEEP_BATCH_MAX, pollIntervalMs: limits.ARCADE_SWEEP_INTERVAL_MS },
    },
    async findDue({ now: time, limit }) {
      const found = [
        ...(await endedLaunches(time, limit)),
        ...(await orphans(time, limit)),
        ...(await oldFolders(time, limit)),
      ]
      return found
    },
    async work({ id, what }) {
      if (what === 'object') return objects.delete(id)
      if (what === 'folder') return rm(join(directory, id), { recursive: true, force: true })
      const at = now().toISOString()
      const expire = { kind: 'expire', silentMs: limits.ARCADE_SILENCE_MAX_MS, at } as const
      await bus.handle(arcadeLaunch, id, expire, systemContext(ARCADE, randomUUID(), at))
    },
  })
}

/** Runs until `signal` aborts; stands by while another process leads. */
export function runArcade(options: Options & ProcessDependencies): Promise<void> {
  const { arcade, log, now = () => new Date() } = options
  const sweep = createArcadeSweep(options)
  async function follow(event: Delivered): Promise<void> {
    if (isPoison(event)) {
      const { id, stream, type, fault } = event
      return log.error({ eventId: id, stream, type, fault }, 'an event of the arcade does not decode')
    }
    const context = consequenceContext(ARCADE, event, now().toISOString())
    if (event.type === CLAIMED) await finishGame(arcade, (event as Of<typeof CLAIMED>).data, context)
    else if (event.type === ADDED) await finishRelease(arcade, (event as Of<typeof ADDED>).data, context)
  }
  const handle = async (events: Delivered[]) => {
    for (const event of events) await follow(event)
  }
  const background = (signal: AbortSignal) => [sweep.run(signal)]
  return runProcess({ name: ARCADE, types: [CLAIMED, ADDED], handle, background }, options)
}
