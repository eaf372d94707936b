/**
 * Games and their releases, over the streams that they touch. The slug decides whether there is a game, and the game whether there is a
 * release: what follows in the second stream may be done again, by the same request, or after a crash by a process. That second stream
 * is the request's own, which knows a repeat; the first is asked while it waits.
 */
import { hash } from 'node:crypto'
import { stepContext } from '../../../commands/context.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import {
  arcadeGame,
  arcadeSlug,
  type GameFacts,
  gameNotFound,
  isAdded,
  type ReleaseFacts,
  requireNewVersion,
} from '../../../commands/killatamata/arcade-game.ts'
import { arcadeRelease } from '../../../commands/killatamata/arcade-release.ts'
import { madeIdOf } from '../../../commands/killatamata/ids.ts'
import { Rejected } from '../../../commands/rejection.ts'
import { crashPoint } from '../../../runtime/crash-points.ts'
import { CHECKS, checkCover, checkFiles, type Manifest } from './bundle.ts'
import { removeRelease, storeRelease } from './files.ts'
import type { Arcade } from './parts.ts'

type Bus = Pick<Arcade, 'bus'>

const stepOf = (context: CommandContext, step: string, id: string): CommandContext =>
  stepContext(context, deterministicId('killatamata.arcade', step, id))

/** Throws Rejected: slug_taken. */
export async function createGame(
  { bus }: Bus,
  wanted: Omit<GameFacts, 'gameId' | 'occurredAt'>,
  context: CommandContext,
) {
  const gameId = madeIdOf('game', context)
  const facts = { ...wanted, gameId, occurredAt: context.at }
  const claim = async () => {
    await bus.handle(arcadeSlug, wanted.slug, { kind: 'claim', facts }, stepOf(context, 'claim', gameId))
  }
  const { state, position, replayed } = await bus.handle(arcadeGame, gameId, { kind: 'create', facts }, context, claim)
  if (state.status === 'absent') throw new Error('a game was neither made nor refused')
  return { facts: state.facts, handled: { position, replayed } }
}

/** The game of a slug that was claimed. A second time does nothing. */
export const finishGame = ({ bus }: Bus, facts: GameFacts, context: CommandContext) =>
  bus.handle(arcadeGame, facts.gameId, { kind: 'create', facts }, stepOf(context, 'create', facts.gameId))

/** What was sent, as it lies on the disk. */
export interface SentBundle {
  accountId: string
  gameId: string
  manifest: Manifest
  archive: { path: string; sizeBytes: number; sha256: string }
  coverPath: string | undefined
  /** For files of ours while they are stored. */
  directory: string
}

/**
 * A release of a game: its files are checked, then stored, and only then is there an event. Throws BundleRefused, Rejected
 * (game_not_found, version_exists), ObjectStoreUnavailable.
 */
export async function addRelease(arcade: Arcade, sent: SentBundle, context: CommandContext) {
  const { bus, limits, inTurn } = arcade
  const { accountId, gameId, manifest, archive, coverPath, directory } = sent
  await requireOwnGame(arcade, accountId, gameId)
  const [files, cover] = await inTurn(async () => [
    await checkFiles(archive.path, manifest, limits),
    await checkCover(coverPath),
  ])
  const releaseId = madeIdOf('rel', context)
  const facts: ReleaseFacts = {
    ...{ accountId, gameId, releaseId, occurredAt: context.at, ...manifest },
    ...{ sizeBytes: archive.sizeBytes, sha256: archive.sha256, fileCount: files.length },
    unpackedBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    coverSha256: cover === undefined ? null : hash('sha256', cover),
    checks: cover === undefined ? CHECKS.filter((name) => name !== 'cover') : [...CHECKS],
  }
  const storeAndAdd = async () => {
    const game = await bus.current(arcadeGame, gameId)
    if (isAdded(game, facts)) return
    requireNewVersion(game, manifest.version)
    await inTurn(() => storeRelease(arcade, releaseId, { archive: archive.path, cover, directory }))
    crashPoint('arcade.after-storage', releaseId)
    try {
      await bus.handle(arcadeGame, gameId, { kind: 'add', facts }, stepOf(context, 'add', releaseId))
    } catch (error) {
      // Another one was first with this version: nobody will ask for these files.
      if (error instanceof Rejected) await removeRelease(arcade, releaseId)
      throw error
    }
  }
  const handled = await bus.handle(arcadeRelease, releaseId, { kind: 'upload', facts }, context, storeAndAdd)
  return { state: handled.state, handled: { position: handled.position, replayed: handled.replayed } }
}

/** Throws Rejected: game_not_found. */
export async function requireOwnGame({ bus }: Bus, accountId: string, gameId: string): Promise<void> {
  const state = await bus.current(arcadeGame, gameId)
  if (state.status === 'absent' || state.facts.accountId !== accountId) throw gameNotFound()
}

/** The release whose version was taken. A second time does nothing. */
export const finishRelease = ({ bus }: Bus, facts: ReleaseFacts, context: CommandContext) =>
  bus.handle(arcadeRelease, facts.releaseId, { kind: 'upload', facts }, stepOf(context, 'upload', facts.releaseId))
