/** POST assets/upload and PATCH assets/metadata. */
import { z } from '@hono/zod-openapi'
import { timelessIdOf } from '../../../commands/killatamata/ids.ts'
import { studioAsset } from '../../../commands/killatamata/studio-asset.ts'
import { requireProject } from '../../../processes/killatamata/studio/documents.ts'
import { plainFilename, stageUpload } from '../../../processes/killatamata/studio/uploads.ts'
import { prefixedId } from '../../../runtime/ulid.ts'
import { json } from '../../answers.ts'
import { streamedBody } from '../../body.ts'
import { text } from '../../schemas.ts'
import { accountKey, change, write } from '../access.ts'
import { requestKey, sentRequestKey } from '../request-key.ts'
import { orStoreAway } from '../store-away.ts'
import { anyObject, idIn, requirePlain } from './inputs.ts'
import { addressesIn } from './parts.ts'
import { assetShown, assetView } from './views.ts'

export const assetAnswer = z.object({ ok: z.literal(true), asset: assetShown }).openapi('StudioAssetResponse')

const UPLOAD_MAX_BYTES = 52_428_800

export const uploadAsset = write({
  path: '/api/v1/studio/assets/upload',
  id: 'uploadStudioAsset',
  tags: ['studio'],
  summary: 'Upload Studio asset',
  description: `A file of at most ${UPLOAD_MAX_BYTES} bytes, as it is. Its type follows from its bytes.`,
  access: accountKey,
  key: requestKey,
  query: z.object({ projectId: idIn, filename: text(240, 1) }),
  body: streamedBody('application/octet-stream'),
  bodyMaxBytes: UPLOAD_MAX_BYTES,
  answers: { 201: json(assetAnswer, 'The asset.') },
  refuses: ['project_not_found'],
  async facts({ bus, arcade, principal: { accountId }, query, body, caller }) {
    const { projectId } = query
    // Before anything is taken in.
    sentRequestKey(caller)
    await requireProject(bus, { accountId, projectId })
    const filename = plainFilename(query.filename)
    return { projectId, filename, staged: await stageUpload(arcade.directory, filename, body) }
  },
  fingerprint: ({ staged, ...facts }) => ({ ...facts, ...staged.content }),
  async handle({ bus, principal: { accountId }, facts: { staged, ...named }, command, ...parts }) {
    const assetId = prefixedId('asset', command.at, command.commandId)
    const title = named.filename.replace(/(.)\.[^.]*$/, '$1')
    const create = { kind: 'create', accountId, assetId, at: command.at } as const
    const asset = { ...named, ...staged.content, kind: 'file' as const, title }
    // A request that is refused under its key stores nothing.
    const store = () => orStoreAway(() => staged.store(parts.studio.objects, accountId))
    try {
      const handled = await bus.handle(studioAsset, timelessIdOf(assetId), { ...create, asset }, command, store)
      if (handled.state.status === 'absent') throw new Error('an asset was neither made nor refused')
      const shown = await assetView(handled.state, addressesIn(parts))
      return { status: 201, body: { ok: true as const, asset: shown }, handled }
    } finally {
      await staged.remove()
    }
  },
})

export const updateAssetMetadata = change({
  method: 'patch',
  path: '/api/v1/studio/assets/metadata',
  id: 'updateStudioAssetMetadata',
  tags: ['studio'],
  summary: 'Update Studio asset metadata',
  description: '`userMetadata` takes the place of what was there.',
  access: accountKey,
  key: requestKey,
  isIdempotent: true,
  body: z.object({ assetId: idIn, userMetadata: anyObject }).openapi('StudioAssetMetadataUpdateRequest'),
  answers: { 200: json(assetAnswer, 'The asset as it is now.') },
  refuses: ['asset_not_found'],
  async handle({ bus, principal: { accountId }, body: { assetId, userMetadata }, command, ...parts }) {
    const { metadataDepthMax: depthMax, metadataMaxBytes: bytesMax } = parts.studio.limits
    requirePlain(userMetadata, '/userMetadata', { depthMax, bytesMax })
    const replace = { kind: 'replaceMetadata', accountId, assetId, userMetadata, at: command.at } as const
    const handled = await bus.handle(studioAsset, timelessIdOf(assetId), replace, command)
    if (handled.state.status === 'absent') throw new Error('an asset was neither changed nor refused')
    const shown = await assetView(handled.state, addressesIn(parts))
    return { status: 200, body: { ok: true as const, asset: shown }, handled }
  },
})
