/** Storyboards: POST assets/storyboards, GET and PATCH their document, import and export. */
import { z } from '@hono/zod-openapi'
import { timelessIdOf } from '../../../commands/killatamata/ids.ts'
import { emptyStoryboard, isFault, readStoryboard, type Storyboard } from '../../../commands/killatamata/storyboard.ts'
import { toMarkdown } from '../../../commands/killatamata/storyboard-markdown.ts'
import { ownAsset, studioAsset } from '../../../commands/killatamata/studio-asset.ts'
import {
  createDocument,
  STORYBOARD_TYPE,
  saveDocument,
  storyboardText,
  textOf,
} from '../../../processes/killatamata/studio/documents.ts'
import { importedStoryboard } from '../../../processes/killatamata/studio/importing.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { JsonSource } from '../../json.ts'
import { accountKey, change, operation, read, write } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { requestKey } from '../request-key.ts'
import { orStoreAway } from '../store-away.ts'
import { documentRow } from './document-row.ts'
import { anyObject, assetTitle, DOCUMENT_BODY_MAX_BYTES, idIn, requirePlain } from './inputs.ts'
import { addressesIn } from './parts.ts'
import { ifMatch, versionIn } from './texts.ts'
import { assetShown, assetView } from './views.ts'

const documentShown = z.record(z.string(), z.unknown())
const answer = z
  .object({ ok: z.literal(true), asset: assetShown, storyboard: documentShown, version: z.int() })
  .openapi('StudioStoryboardResponse')

const DEPTH_MAX = 16

/** Throws a Problem (storyboard_invalid) that names what is wrong. */
function storyboardIn(given: unknown): Storyboard {
  requirePlain(given, '/storyboard', { depthMax: DEPTH_MAX, bytesMax: DOCUMENT_BODY_MAX_BYTES })
  const read_ = readStoryboard(given)
  if (!isFault(read_)) return read_
  const pointer = `/storyboard${read_.pointer}`
  const errors = [{ pointer, code: 'invalid', detail: read_.detail }]
  throw new Problem<KillatamataCode>('storyboard_invalid', `${pointer}: ${read_.detail}.`, { errors })
}

type Shown = Parameters<typeof assetView>[0]

async function shownWith(asset: Shown, storyboard: Storyboard, parts: Parameters<typeof addressesIn>[0]) {
  const shown = await assetView(asset, addressesIn(parts))
  return { ok: true as const, asset: shown, storyboard: { ...storyboard }, version: asset.version }
}

const refusesBoth = ['asset_not_found', 'storyboard_invalid'] as const

export const createStoryboard = write({
  path: '/api/v1/studio/assets/storyboards',
  id: 'createStudioStoryboard',
  tags: ['studio'],
  summary: 'Create Studio storyboard',
  description: 'Without a document, one without scenes.',
  access: accountKey,
  key: requestKey,
  bodyMaxBytes: DOCUMENT_BODY_MAX_BYTES,
  body: z
    .object({ projectId: idIn, title: assetTitle, storyboard: anyObject.optional() })
    .openapi('StudioStoryboardCreateRequest'),
  answers: { 201: json(answer, 'The storyboard.') },
  refuses: ['project_not_found', 'storyboard_invalid'],
  async handle({ bus, studio, principal: { accountId }, body, command, ...parts }) {
    const { projectId, title } = body
    const storyboard = body.storyboard === undefined ? emptyStoryboard(title) : storyboardIn(body.storyboard)
    const made = { accountId, projectId, kind: 'storyboard' as const, title, mimeType: STORYBOARD_TYPE }
    const document = { ...made, text: storyboardText(storyboard) }
    const { asset, handled } = await orStoreAway(() =>
      createDocument({ bus, objects: studio.objects }, document, command),
    )
    return { status: 201, body: await shownWith(asset, storyboard, { ...parts, studio }), handled }
  },
})

/** What stands in the object store was a storyboard when it was saved. */
const stored = (text: string): Storyboard => JSON.parse(text) as Storyboard

export const getStoryboard = read({
  path: '/api/v1/studio/assets/storyboards/document',
  id: 'getStudioStoryboardDocument',
  tags: ['studio'],
  summary: 'Get Studio storyboard document',
  description: 'The storyboard as it was saved last.',
  access: accountKey,
  query: z.object({ assetId: idIn }),
  answer: json(answer, 'The storyboard.'),
  refuses: ['asset_not_found'],
  async handle({ db, studio, principal: { accountId }, query: { assetId }, ...parts }) {
    const asset = await documentRow(db, { accountId, assetId, kind: 'storyboard' })
    return shownWith(asset, stored(await textOf(studio, asset)), { ...parts, studio })
  },
})

export const updateStoryboard = change({
  method: 'patch',
  path: '/api/v1/studio/assets/storyboards/document',
  id: 'updateStudioStoryboardDocument',
  tags: ['studio'],
  summary: 'Update Studio storyboard document',
  description:
    'Saves the storyboard under the next version. With `If-Match`, only where the version is still that one.',
  access: accountKey,
  key: requestKey,
  bodyMaxBytes: DOCUMENT_BODY_MAX_BYTES,
  headers: ifMatch,
  body: z
    .object({ assetId: idIn, title: assetTitle.optional(), storyboard: anyObject })
    .openapi('StudioStoryboardUpdateRequest'),
  answers: { 200: json(answer, 'The storyboard as it is now.') },
  refuses: [...refusesBoth, 'document_changed'],
  async handle({ bus, studio, principal: { accountId }, headers, body, command, ...parts }) {
    const { assetId, title } = body
    const expectedVersion = versionIn(headers['if-match'])
    const storyboard = storyboardIn(body.storyboard)
    const of = { accountId, assetId, kind: 'storyboard' as const, title }
    const saved = { ...of, text: storyboardText(storyboard), expectedVersion }
    const { asset, handled } = await orStoreAway(() => saveDocument({ bus, objects: studio.objects }, saved, command))
    return { status: 200, body: await shownWith(asset, storyboard, { ...parts, studio }), handled }
  },
})

export const importStoryboard = write({
  path: '/api/v1/studio/assets/storyboards/import',
  id: 'importStudioStoryboard',
  tags: ['studio'],
  summary: 'Import Studio storyboard from legacy asset',
  description:
    'Makes a storyboard of a document of version 1, or of a text: each heading is a scene, or where there is none each paragraph. ' +
    'The source stays as it is.',
  access: accountKey,
  key: requestKey,
  body: z
    .object({ projectId: idIn, sourceAssetId: idIn, title: assetTitle.optional() })
    .openapi('StudioStoryboardImportRequest'),
  answers: { 201: json(answer, 'The storyboard.') },
  refuses: ['project_not_found', ...refusesBoth],
  async handle({ bus, studio, principal: { accountId }, body, command, ...parts }) {
    const { projectId, sourceAssetId } = body
    const known = await bus.current(studioAsset, timelessIdOf(sourceAssetId))
    const source = ownAsset(known, { accountId, assetId: sourceAssetId }, '/sourceAssetId')
    const storyboard = await importedStoryboard(studio, source)
    if (!storyboard) {
      throw new Problem<KillatamataCode>('storyboard_invalid', 'The asset is neither a storyboard nor a text.', {
        errors: [{ pointer: '/sourceAssetId', code: 'invalid', detail: 'It holds no scenes.' }],
      })
    }
    const title = body.title ?? source.title
    const made = { accountId, projectId, kind: 'storyboard' as const, title, mimeType: STORYBOARD_TYPE }
    const document = { ...made, text: storyboardText(storyboard) }
    const { asset, handled } = await orStoreAway(() =>
      createDocument({ bus, objects: studio.objects }, document, command),
    )
    // A repeat is answered with what was imported then, whatever the source holds by now.
    const kept = handled.replayed ? stored(await textOf(studio, asset)) : storyboard
    return { status: 201, body: await shownWith(asset, kept, { ...parts, studio }), handled }
  },
})

const exported = z
  .object({ ok: z.literal(true), assetId: z.string(), filename: z.string(), markdown: z.string() })
  .openapi('StudioStoryboardExportResponse')

const MARKDOWN = 'text/markdown'

export const exportStoryboard = operation({
  method: 'get',
  path: '/api/v1/studio/assets/storyboards/export-markdown',
  id: 'exportStudioStoryboardMarkdown',
  tags: ['studio'],
  summary: 'Export Studio storyboard as markdown',
  description:
    'To whom `Accept: text/markdown` is sent by, the text alone is answered. An export that is imported has the same scenes.',
  access: accountKey,
  isRead: true,
  query: z.object({ assetId: idIn }),
  answers: { 200: json(exported, 'The storyboard as a text.') },
  refuses: ['asset_not_found'],
  async handle({ db, studio, principal: { accountId }, query: { assetId }, caller }) {
    const asset = await documentRow(db, { accountId, assetId, kind: 'storyboard' })
    const markdown = toMarkdown(stored(await textOf(studio, asset)), asset.title)
    const filename = `${asset.filename.replace(/\.storyboard\.json$/, '')}.md`
    if (!(caller.header('accept') ?? '').toLowerCase().includes(MARKDOWN)) {
      return { status: 200, body: { ok: true as const, assetId, filename, markdown } }
    }
    // The text itself in place of JSON; the document describes the usual form of the answer alone.
    const headers = { 'content-type': `${MARKDOWN}; charset=utf-8` } as never
    return { status: 200, headers, body: new JsonSource(undefined, markdown) as never }
  },
})
