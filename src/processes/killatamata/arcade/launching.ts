/** Launches: an address that is signed for one release and one session, and what it opens while the session lasts. */
import type { CommandContext } from '../../../commands/handle.ts'
import { arcadeLaunch, isOver, type LaunchFacts } from '../../../commands/killatamata/arcade-launch.ts'
import { madeIdOf } from '../../../commands/killatamata/ids.ts'
import type { Arcade } from './parts.ts'

/** Below the API's address; the token, and a path of the bundle's, follow. */
export const PLAY_PATH = '/killatamata/arcade/play'

const later = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString()

type Wanted = Omit<LaunchFacts, 'sessionId' | 'startBy' | 'expiresAt' | 'occurredAt'>

/** `find` is asked what is to be launched where the request did not come before: what it launched then may be gone. */
export async function createLaunch({ bus, limits }: Arcade, find: () => Promise<Wanted>, context: CommandContext) {
  const { at } = context
  const sessionId = madeIdOf('als', context)
  const known = await bus.current(arcadeLaunch, sessionId)
  if (known.status !== 'absent')
    return bus.handle(arcadeLaunch, sessionId, { kind: 'create', facts: known.facts }, context)
  const wanted = await find()
  const times = { startBy: later(at, limits.ARCADE_START_WITHIN_MS), expiresAt: later(at, limits.ARCADE_LAUNCH_MS) }
  const facts = { ...wanted, ...times, sessionId, occurredAt: at }
  return bus.handle(arcadeLaunch, sessionId, { kind: 'create', facts }, context)
}

/** The address of a launch: the same each time. */
export async function launchUrlOf({ tokens, apiUrl }: Arcade, facts: LaunchFacts): Promise<string> {
  const { sessionId, releaseId, entrypoint, occurredAt, expiresAt } = facts
  const times = { at: new Date(occurredAt), expiresAt: new Date(expiresAt) }
  const token = await tokens.sign({ session: sessionId, release: releaseId }, times)
  return `${apiUrl()}${PLAY_PATH}/${token}/${entrypoint.split('/').map(encodeURIComponent).join('/')}`
}

export type Opened = { as: 'open'; facts: LaunchFacts } | { as: 'over' } | { as: 'unknown' }

/** What a token opens now. */
export async function openLaunch({ bus, tokens }: Arcade, token: string, now: Date): Promise<Opened> {
  const read = await tokens.read(token, now)
  const { session, release } = read?.claims ?? {}
  if (session === undefined || release === undefined) return { as: 'unknown' }
  const state = await bus.current(arcadeLaunch, session)
  if (state.status === 'absent' || state.facts.releaseId !== release) return { as: 'unknown' }
  return isOver(state, now.toISOString()) ? { as: 'over' } : { as: 'open', facts: state.facts }
}
