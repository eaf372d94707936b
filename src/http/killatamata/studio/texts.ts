/** Texts: POST assets/text, GET and PATCH assets/text/document. */
import { z } from '@hono/zod-openapi'
import { createDocument, saveDocument, TEXT_TYPE, textOf } from '../../../processes/killatamata/studio/documents.ts'
import { json } from '../../answers.ts'
import { invalid } from '../../errors.ts'
import { text } from '../../schemas.ts'
import { accountKey, change, read, write } from '../access.ts'
import { requestKey } from '../request-key.ts'
import { orStoreAway } from '../store-away.ts'
import { assetAnswer } from './assets.ts'
import { documentRow } from './document-row.ts'
import { assetTitle, DOCUMENT_BODY_MAX_BYTES, documentText, idIn } from './inputs.ts'
import { addressesIn } from './parts.ts'
import { assetShown, assetView } from './views.ts'

const TEXT_TYPES = /^(text\/[a-z0-9][a-z0-9.+-]*|application\/json)$/

function textType(given: string): string {
  const type = given.trim().toLowerCase()
  if (TEXT_TYPES.test(type)) return type
  throw invalid('/mimeType', 'invalid_format', 'A text is of a type text/… or application/json.')
}

export const createText = write({
  path: '/api/v1/studio/assets/text',
  id: 'createStudioTextAsset',
  tags: ['studio'],
  summary: 'Create Studio text asset',
  description: 'A text of its own, which can be saved anew.',
  access: accountKey,
  key: requestKey,
  bodyMaxBytes: DOCUMENT_BODY_MAX_BYTES,
  body: z
    .object({
      ...{ projectId: idIn, title: assetTitle, content: documentText.optional() },
      mimeType: text(120, 1).optional(),
    })
    .openapi('StudioTextCreateRequest'),
  answers: { 201: json(assetAnswer, 'The asset.') },
  refuses: ['project_not_found'],
  async handle({ bus, studio, principal: { accountId }, body, command, ...parts }) {
    const { projectId, title, content = '', mimeType = TEXT_TYPE } = body
    const made = { accountId, projectId, kind: 'text' as const, title, mimeType: textType(mimeType), text: content }
    const { asset, handled } = await orStoreAway(() => createDocument({ bus, objects: studio.objects }, made, command))
    const shown = await assetView(asset, addressesIn({ ...parts, studio }))
    return { status: 201, body: { ok: true as const, asset: shown }, handled }
  },
})

const answer = z
  .object({
    ok: z.literal(true),
    asset: assetShown,
    document: z.object({ content: z.string(), version: z.int() }).openapi('StudioTextDocument'),
  })
  .openapi('StudioTextDocumentResponse')

export const getText = read({
  path: '/api/v1/studio/assets/text/document',
  id: 'getStudioTextDocument',
  tags: ['studio'],
  summary: 'Get Studio text document',
  description: 'The text as it was saved last.',
  access: accountKey,
  query: z.object({ assetId: idIn }),
  answer: json(answer, 'The text.'),
  refuses: ['asset_not_found'],
  async handle({ db, studio, principal: { accountId }, query: { assetId }, ...parts }) {
    const asset = await documentRow(db, { accountId, assetId, kind: 'text' })
    const content = await textOf(studio, asset)
    const shown = await assetView(asset, addressesIn({ ...parts, studio }))
    return { ok: true as const, asset: shown, document: { content, version: asset.version } }
  },
})

const VERSION = /^"(\d{1,9})"$/

export const ifMatch = z.object({ 'if-match': text(100).optional() })

/** The version that the header names; null: any. */
export function versionIn(header: string | undefined): number | null {
  if (header === undefined || header.trim() === '*') return null
  const [, digits] = VERSION.exec(header.trim()) ?? []
  if (digits !== undefined) return Number(digits)
  throw invalid('header/if-match', 'invalid_format', 'If-Match holds the version in quotation marks: "3".')
}

export const updateText = change({
  method: 'patch',
  path: '/api/v1/studio/assets/text/document',
  id: 'updateStudioTextDocument',
  tags: ['studio'],
  summary: 'Update Studio text document',
  description: 'Saves the text under the next version. With `If-Match`, only where the version is still that one.',
  access: accountKey,
  key: requestKey,
  bodyMaxBytes: DOCUMENT_BODY_MAX_BYTES,
  headers: ifMatch,
  body: z
    .object({ assetId: idIn, title: assetTitle.optional(), content: documentText })
    .openapi('StudioTextUpdateRequest'),
  answers: { 200: json(answer, 'The text as it is now.') },
  refuses: ['asset_not_found', 'document_changed'],
  async handle({ bus, studio, principal: { accountId }, headers, body, command, ...parts }) {
    const { assetId, title, content } = body
    const expectedVersion = versionIn(headers['if-match'])
    const saved = { accountId, assetId, kind: 'text' as const, title, text: content, expectedVersion }
    const { asset, handled } = await orStoreAway(() => saveDocument({ bus, objects: studio.objects }, saved, command))
    const shown = await assetView(asset, addressesIn({ ...parts, studio }))
    return {
      status: 200,
      body: { ok: true as const, asset: shown, document: { content, version: asset.version } },
      handled,
    }
  },
})
