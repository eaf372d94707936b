/**
 * An asset of a project: a file, a text or a storyboard. What it holds lies in the object store under its hash; the last two are saved
 * anew under a higher version, by whoever knows the last one or does not ask.
 */
import type { AssetKind, StudioAssetEvent } from '../../events/killatamata/studio.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export interface Asset {
  status: 'active' | 'recycled'
  assetId: string
  accountId: string
  projectId: string
  kind: AssetKind
  title: string
  filename: string
  mimeType: string
  sizeBytes: number
  sha256: string
  userMetadata: Readonly<Record<string, unknown>>
  version: number
  createdAt: string
  updatedAt: string
}
export type AssetState = { status: 'absent' } | Asset

/** Bytes in the object store. */
export interface Content {
  sizeBytes: number
  sha256: string
}

export type NewAsset = Pick<Asset, 'projectId' | 'kind' | 'title' | 'filename' | 'mimeType'> & Content
export type DocumentKind = Exclude<AssetKind, 'file'>

export type AssetCommand = { accountId: string; assetId: string; at: string } & (
  | { kind: 'create'; asset: NewAsset }
  /** `expectedVersion` null: whatever there is. No title: the one that there is. */
  | {
      kind: 'save'
      of: DocumentKind
      title: string | undefined
      content: Content
      expectedVersion: number | null
    }
  | { kind: 'replaceMetadata'; userMetadata: Record<string, unknown> }
  | { kind: 'recycle' }
)

export const studioAsset: Aggregate<AssetState, AssetCommand, StudioAssetEvent> = {
  category: 'killatamata.studioAsset',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'killatamata.AssetCreated.v1') {
      const { occurredAt, ...made } = event.data
      const times = { createdAt: occurredAt, updatedAt: occurredAt }
      return { status: 'active', ...made, userMetadata: {}, version: 1, ...times }
    }
    if (state.status === 'absent') return state
    const updatedAt = event.data.occurredAt
    switch (event.type) {
      case 'killatamata.DocumentSaved.v1': {
        const { title, filename, sizeBytes, sha256, version } = event.data
        return { ...state, title, filename, sizeBytes, sha256, version, updatedAt }
      }
      case 'killatamata.MetadataReplaced.v1':
        return { ...state, userMetadata: event.data.userMetadata, updatedAt }
      case 'killatamata.AssetRecycled.v1':
        return { ...state, status: 'recycled', updatedAt }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { accountId, assetId, at: occurredAt } = command
    const of = { accountId, assetId, occurredAt }
    if (command.kind === 'create') {
      if (state.status !== 'absent') return []
      return [{ type: 'killatamata.AssetCreated.v1', data: { ...of, ...command.asset } }]
    }
    const known = ownAsset(state, command)
    switch (command.kind) {
      case 'save': {
        const { title = known.title, content, expectedVersion } = command
        requireKind(known, command.of)
        if (expectedVersion !== null && expectedVersion !== known.version) {
          const detail = `The document is at version ${known.version}.`
          throw new Rejected('document_changed', detail, 'header/if-match')
        }
        const filename = title === known.title ? known.filename : filenameOf(title, command.of, known.mimeType)
        const saved = { title, filename, ...content, version: known.version + 1 }
        return [{ type: 'killatamata.DocumentSaved.v1', data: { ...of, ...saved } }]
      }
      case 'replaceMetadata':
        return [{ type: 'killatamata.MetadataReplaced.v1', data: { ...of, userMetadata: command.userMetadata } }]
      case 'recycle':
        return known.status === 'recycled' ? [] : [{ type: 'killatamata.AssetRecycled.v1', data: of }]
      default:
        return command satisfies never
    }
  },
}

/** The account's asset. Another account's is answered like one that there is not. `pointer` leads to what names it. */
export function ownAsset(state: AssetState, of: Pick<Asset, 'accountId' | 'assetId'>, pointer = '/assetId'): Asset {
  const { accountId, assetId } = of
  if (state.status !== 'absent' && state.accountId === accountId && state.assetId === assetId) return state
  throw new Rejected('asset_not_found', 'The account has no such asset.', pointer)
}

/** An asset of another kind has no such document. */
export function requireKind(asset: Asset, kind: DocumentKind): void {
  if (asset.kind === kind) return
  throw new Rejected('asset_not_found', `The asset is no ${kind}.`, '/assetId')
}

const ENDINGS: Readonly<Record<string, string>> = {
  ...{ 'text/markdown': 'md', 'application/json': 'json', 'text/csv': 'csv', 'text/html': 'html' },
}
/** File systems take no longer ones, and an ending has room. */
const STEM_MAX = 100

/** Under which name a document is saved: its title, as far as names of files go. */
export function filenameOf(title: string, kind: DocumentKind, mimeType: string): string {
  const plain = title.replaceAll(/[^\p{L}\p{N} ._-]+/gu, '-').replace(/^[ .-]+|[ .-]+$/g, '')
  const stem = [...plain].slice(0, STEM_MAX).join('') || kind
  return `${stem}.${kind === 'storyboard' ? 'storyboard.json' : (ENDINGS[mimeType] ?? 'txt')}`
}
