/**
 * A process that takes in a bundle, on a log of its own: a test ends it in the midst of that. Arguments: the directory of the objects,
 * that of uploads, and the archive.
 */

import { createSignedTokens } from '../../../src/adapters/identity/signed-tokens.ts'
import { createDiskStore } from '../../../src/adapters/object-store/disk-store.ts'
import { readManifest } from '../../../src/processes/killatamata/arcade/bundle.ts'
import type { Arcade } from '../../../src/processes/killatamata/arcade/parts.ts'
import { addRelease, createGame } from '../../../src/processes/killatamata/arcade/releasing.ts'
import { arcadeSettings } from '../../../src/processes/killatamata/arcade/settings.ts'
import { createQueue } from '../../../src/runtime/keyed-queue.ts'
import { accountId, emptyLog, processOn, systemAt } from '../../commands/killatamata/story.ts'

export function arcadeIn(objects: string, directory: string, now = () => new Date()): Arcade {
  const linkBase = () => 'http://127.0.0.1'
  return {
    bus: processOn(emptyLog()).bus,
    // Nothing that is tried here reads a table.
    db: undefined as never,
    objects: createDiskStore({ directory: objects, keys: () => [], linkBase, now }),
    ...{ directory, tokens: createSignedTokens(async () => Buffer.alloc(32)), apiUrl: linkBase },
    ...{ limits: arcadeSettings.parse({}), inTurn: createQueue(), uploads: { underWay: 0 } },
  }
}

const [objects, directory, archive] = process.argv.slice(2)
if (objects !== undefined && directory !== undefined && archive !== undefined) {
  const arcade = arcadeIn(objects, directory)
  const about = { slug: 'drift', title: 'Drift', shortDescription: 'Drift.', description: 'A game.', tags: [] }
  const { facts } = await createGame(arcade, { accountId, ...about }, systemAt(0))
  const manifest = readManifest(
    JSON.stringify({ version: '1.0.0', engine: 'godot', engineVersion: '4.4', entrypoint: 'index.html' }),
  )
  const sent = { path: archive, sizeBytes: 1, sha256: 'a'.repeat(64) }
  const upload = { accountId, gameId: facts.gameId, manifest, archive: sent, coverPath: undefined, directory }
  await addRelease(arcade, upload, systemAt(1))
  process.stdout.write('added\n')
}
