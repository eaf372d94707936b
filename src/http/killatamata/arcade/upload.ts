/** POST arcade/releases/upload: a bundle, which goes to the disk as it comes, is looked at whole, and only then stored. */
import { z } from '@hono/zod-openapi'
import {
  FormRefused,
  type FormShape,
  type ReceivedFile,
  type ReceivedForm,
  receiveForm,
} from '../../../adapters/forms/multipart.ts'
import { ObjectStoreUnavailable } from '../../../adapters/object-store/object-store.ts'
import { gameNotFound } from '../../../commands/killatamata/arcade-game.ts'
import { BundleRefused, readManifest } from '../../../processes/killatamata/arcade/bundle.ts'
import type { Arcade } from '../../../processes/killatamata/arcade/parts.ts'
import { addRelease } from '../../../processes/killatamata/arcade/releasing.ts'
import type { ArcadeSettings } from '../../../processes/killatamata/arcade/settings.ts'
import { inUploadFolder } from '../../../processes/killatamata/upload-folder.ts'
import { isPrefixedId } from '../../../runtime/ulid.ts'
import { json } from '../../answers.ts'
import { keyedIdentity } from '../../command.ts'
import type { Principal } from '../../environment.ts'
import { invalid, Problem } from '../../errors.ts'
import { accountKey, write } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { REQUEST_KEY, sentRequestKey } from '../request-key.ts'
import { releaseAnswer, releaseView } from './views.ts'

const file = z.string().openapi({ format: 'binary' })
const form = z.object({ gameId: z.string(), manifestJson: z.string(), bundle: file, coverImage: file.optional() })

/** The largest that settings can allow: the form's parts have bounds of their own. */
const BODY_MAX_BYTES = 134_217_728
const ID_MAX_BYTES = 64
const MANIFEST_MAX_BYTES = 16_384

const shapeOf = (limits: ArcadeSettings): FormShape => ({
  fields: { gameId: ID_MAX_BYTES, manifestJson: MANIFEST_MAX_BYTES },
  files: { bundle: limits.ARCADE_BUNDLE_MAX_BYTES, coverImage: limits.ARCADE_COVER_MAX_BYTES },
})

/** Does the work in a folder of its own, which is gone afterwards. Throws a Problem where too many are under way. */
async function inFolder<T>({ directory, limits, uploads }: Arcade, work: (folder: string) => Promise<T>): Promise<T> {
  if (uploads.underWay >= limits.ARCADE_UPLOADS_MAX) {
    throw new Problem('dependency_unavailable', 'Too many uploads are under way; send it again in a moment.')
  }
  uploads.underWay += 1
  try {
    return await inUploadFolder(directory, work)
  } finally {
    uploads.underWay -= 1
  }
}

const closing = { connection: 'close' }

/** What was thrown, as callers are told it. */
function told(error: unknown): unknown {
  if (error instanceof FormRefused) {
    const { reason, part, message } = error
    if (reason === 'too_large' && part === 'coverImage')
      return bundleRefused('/coverImage', 'cover_invalid', message, error)
    if (reason === 'too_large') return new Problem('body_too_large', message, { headers: closing, cause: error })
    return new Problem('malformed_request', message, { headers: closing, cause: error })
  }
  if (error instanceof BundleRefused) return bundleRefused(error.pointer, error.fault, error.message, error)
  if (error instanceof ObjectStoreUnavailable) {
    return new Problem('dependency_unavailable', 'Files cannot be stored now.', { cause: error })
  }
  return error
}

const bundleRefused = (pointer: string, code: string, detail: string, cause: unknown) =>
  new Problem<KillatamataCode>('bundle_rejected', detail, { errors: [{ pointer, code, detail }], cause })

interface Sent {
  gameId: string
  manifestJson: string
  bundle: ReceivedFile
  cover: ReceivedFile | undefined
}

function partsOf({ fields, files }: ReceivedForm): Sent {
  const { gameId, manifestJson } = fields
  const { bundle, coverImage: cover } = files
  if (gameId === undefined) throw invalid('/gameId', 'required', 'The form lacks gameId.')
  if (manifestJson === undefined) throw invalid('/manifestJson', 'required', 'The form lacks manifestJson.')
  if (bundle === undefined) throw invalid('/bundle', 'required', 'The form lacks the bundle.')
  return { gameId, manifestJson, bundle, cover }
}

/** What a request is known by, where it has a key. The body is not read twice, so that its digests stand for it. */
function identityBy(key: string | undefined, principal: Principal) {
  if (key === undefined) return () => ({})
  return ({ gameId, manifestJson, bundle, cover }: Sent) => {
    const request = { gameId, manifestJson, bundle: bundle.sha256, cover: cover?.sha256 ?? null }
    return keyedIdentity({ context: 'killatamata', principal, action: 'uploadArcadeRelease', scope: '', key, request })
  }
}

export const uploadArcadeRelease = write({
  path: '/api/v1/arcade/releases/upload',
  id: 'uploadArcadeRelease',
  tags: ['arcade'],
  summary: 'Upload a Godot web release bundle for an existing arcade game',
  description: [
    'The bundle is a zip archive of at most 64 MiB, out of which at most 256 MiB come: a page, and beside it the script, the module',
    'and the pack of the engine. The manifest is `{version, engine: "godot", engineVersion, entrypoint, threads?}`. A bundle that is',
    'refused leaves nothing.',
  ].join(' '),
  access: accountKey,
  readsKey: REQUEST_KEY,
  body: { kind: 'stream' as const, mediaTypes: ['multipart/form-data'], schema: form },
  bodyMaxBytes: BODY_MAX_BYTES,
  answers: { 201: json(releaseAnswer, 'The release, a draft.') },
  refuses: ['bundle_rejected', 'game_not_found', 'version_exists', 'idempotency_key_reused'],
  async handle({ arcade, apiUrl, principal, body, caller, command }) {
    const identity = identityBy(sentRequestKey(caller), principal)
    try {
      return await inFolder(arcade, async (directory) => {
        const type = caller.header('content-type') ?? ''
        const sent = partsOf(await receiveForm(type, body, shapeOf(arcade.limits), directory))
        if (!isPrefixedId('game', sent.gameId)) throw gameNotFound()
        const { accountId } = principal
        const { state, handled } = await addRelease(
          arcade,
          {
            ...{ accountId, gameId: sent.gameId, manifest: readManifest(sent.manifestJson), archive: sent.bundle },
            ...{ coverPath: sent.cover?.path, directory },
          },
          { ...command, ...identity(sent) },
        )
        if (state.status === 'absent') throw new Error('a release was neither added nor refused')
        const release = releaseView(apiUrl(), { ...state, status: 'draft', notes: null, submittedAt: null })
        return { status: 201 as const, body: { ok: true as const, release }, handled }
      })
    } catch (error) {
      throw told(error)
    }
  },
})
