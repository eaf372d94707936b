/** Texts and storyboards of projects, as requests and the agent make and save them: bytes first, then what names them. */
import type { ObjectStore } from '../../../adapters/object-store/object-store.ts'
import type { CommandBus, CommandContext } from '../../../commands/handle.ts'
import { timelessIdOf } from '../../../commands/killatamata/ids.ts'
import type { Storyboard } from '../../../commands/killatamata/storyboard.ts'
import {
  type Asset,
  type DocumentKind,
  filenameOf,
  ownAsset,
  requireKind,
  studioAsset,
} from '../../../commands/killatamata/studio-asset.ts'
import { ownProject, studioProject } from '../../../commands/killatamata/studio-project.ts'
import { prefixedId } from '../../../runtime/ulid.ts'
import { readText, textToStore } from './contents.ts'

export interface DocumentParts {
  bus: CommandBus
  objects: Pick<ObjectStore, 'write' | 'read'>
}

export interface NewDocument {
  accountId: string
  projectId: string
  kind: DocumentKind
  title: string
  mimeType: string
  text: string
}

export const STORYBOARD_TYPE = 'application/json'
export const TEXT_TYPE = 'text/markdown'

/** As it is stored: members in the order in which they came. */
export const storyboardText = (storyboard: Storyboard): string => JSON.stringify(storyboard, null, 2)

/** Throws Rejected (project_not_found). */
export const requireProject = async (bus: CommandBus, of: { accountId: string; projectId: string }) =>
  ownProject(await bus.current(studioProject, timelessIdOf(of.projectId)), of)

/** Throws Rejected (project_not_found). */
export async function createDocument({ bus, objects }: DocumentParts, made: NewDocument, context: CommandContext) {
  const { accountId, projectId, kind, title, mimeType, text } = made
  await requireProject(bus, made)
  const { content, store } = textToStore(objects, accountId, text, mimeType)
  const assetId = prefixedId('asset', context.at, context.commandId)
  const asset = { projectId, kind, title, filename: filenameOf(title, kind, mimeType), mimeType, ...content }
  const command = { kind: 'create', accountId, assetId, asset, at: context.at } as const
  // Under a key the stream may be there, and a request that is refused stores nothing.
  const own = { ...context, startsStream: context.fingerprint === undefined }
  const handled = await bus.handle(studioAsset, timelessIdOf(assetId), command, own, store)
  return { asset: ownedAfter(handled.state), handled }
}

export interface SavedDocument {
  accountId: string
  assetId: string
  kind: DocumentKind
  title: string | undefined
  text: string
  /** Null: whatever there is. */
  expectedVersion: number | null
}

/** Throws Rejected (asset_not_found, document_changed). */
export async function saveDocument({ bus, objects }: DocumentParts, saved: SavedDocument, context: CommandContext) {
  const { accountId, assetId, kind, title, text, expectedVersion } = saved
  const known = await ownDocument(bus, saved)
  const { content, store } = textToStore(objects, accountId, text, known.mimeType)
  const facts = { accountId, assetId, of: kind, title, content, expectedVersion, at: context.at } as const
  const command = { kind: 'save', ...facts } as const
  // Nobody sweeps contents, which other assets may have too: what is refused is not stored at all.
  const storeWhereSaved = async () => {
    studioAsset.decide(command, await bus.current(studioAsset, timelessIdOf(assetId)))
    await store()
  }
  const handled = await bus.handle(studioAsset, timelessIdOf(assetId), command, context, storeWhereSaved)
  return { asset: ownedAfter(handled.state), handled }
}

const ownedAfter = (state: Parameters<typeof ownAsset>[0]): Asset => {
  if (state.status === 'absent') throw new Error('an asset was neither made nor refused')
  return state
}

/** Throws Rejected (asset_not_found). */
export async function ownDocument(
  bus: CommandBus,
  of: { accountId: string; assetId: string; kind: DocumentKind },
): Promise<Asset> {
  const asset = ownAsset(await bus.current(studioAsset, timelessIdOf(of.assetId)), of)
  requireKind(asset, of.kind)
  return asset
}

/** What a document holds now. Rejects with ObjectMissing. */
export const textOf = ({ objects }: Pick<DocumentParts, 'objects'>, asset: Pick<Asset, 'accountId' | 'sha256'>) =>
  readText(objects, asset)
