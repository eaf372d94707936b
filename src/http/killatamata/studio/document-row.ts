/** The row of a text or a storyboard, for its reads. */
import type { DocumentKind } from '../../../commands/killatamata/studio-asset.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import { findAsset } from '../../../projections/killatamata/studio.ts'
import { Problem } from '../../errors.ts'
import type { KillatamataCode } from '../errors.ts'
import { assetOfRow } from './views.ts'

/** Throws a Problem (asset_not_found) where the account has none of this kind. */
export async function documentRow(
  db: ReadModels,
  { accountId, assetId, kind }: { accountId: string; assetId: string; kind: DocumentKind },
) {
  const row = await findAsset(db, accountId, assetId)
  if (row?.kind === kind) return assetOfRow(row)
  throw new Problem<KillatamataCode>('asset_not_found', `The account has no such ${kind}.`)
}
