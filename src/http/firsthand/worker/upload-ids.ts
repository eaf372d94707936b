/**
 * Ids of uploads. An upload is nothing but a link until it is submitted, so no event and no row tells of it: what was declared
 * stands sealed in the id itself, good for its claim alone. The first part names the object.
 */
import { z } from 'zod'
import { format } from '../../../events/firsthand/vocabulary.ts'
import type { Sealer } from '../../cursor.ts'

export interface DeclaredUpload {
  /** Its part of the object's key. */
  objectId: string
  contentType: z.infer<typeof format>
  sizeBytes: number
  filename: string | null
}

const sealed = z.object({ contentType: format, sizeBytes: z.int(), filename: z.string().nullable() })

/** A name of 255 characters of four bytes each, twice sealed over, is shorter. */
export const UPLOAD_ID_MAX = 4_000

const boundTo = (claimId: string, objectId: string) => ['firsthand upload', claimId, objectId]

export const uploadIdOf = (sealer: Sealer, claimId: string, { objectId, ...declared }: DeclaredUpload): string =>
  `${objectId}.${sealer.seal(JSON.stringify(declared), boundTo(claimId, objectId))}`

/** Undefined where the id is none of this claim. */
export function declaredIn(sealer: Sealer, claimId: string, uploadId: string): DeclaredUpload | undefined {
  const [objectId = '', box = ''] = uploadId.split('.', 2)
  const content = sealer.open(box, boundTo(claimId, objectId))
  return content === undefined ? undefined : { objectId, ...sealed.parse(JSON.parse(content)) }
}
