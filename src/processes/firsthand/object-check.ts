/** The bytes of the object store against the log: every copy that has to be there, with the size and hash on record. */
import { ObjectDamaged, ObjectMissing, type ObjectStore } from '../../adapters/object-store/object-store.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { listKept, type ObjectRow } from '../../projections/firsthand/object.ts'

export interface ObjectFinding {
  file_id: string
  copy: ObjectRow['copy']
  object_key: string
  job_id: string
  kind: 'missing' | 'damaged'
}

export interface ObjectReport {
  objects: number
  bytes: number
  findings_total: number
  /** The first of them. */
  findings: ObjectFinding[]
}

export interface ObjectCheckOptions {
  db: ReadModels
  objects: ObjectStore
  now: () => Date
  /** Looks at sizes alone, and reads no bytes. */
  sizesOnly: boolean
  findingsMax: number
}

const PAGE_ROWS = 500

/** Looks at one after the other. Rejects with ObjectStoreUnavailable. */
export async function checkObjects(options: ObjectCheckOptions): Promise<ObjectReport> {
  const { db, now, findingsMax } = options
  const report: ObjectReport = { objects: 0, bytes: 0, findings_total: 0, findings: [] }
  let after: ObjectRow | undefined
  do {
    const page = await listKept(db, now().toISOString(), after, PAGE_ROWS)
    for (const row of page) {
      const kind = await faultOf(row, options)
      report.objects += 1
      report.bytes += row.size_bytes
      if (kind === undefined) continue
      report.findings_total += 1
      const { file_id, copy, object_key, job_id } = row
      if (report.findings.length < findingsMax) report.findings.push({ file_id, copy, object_key, job_id, kind })
    }
    after = page.length < PAGE_ROWS ? undefined : page.at(-1)
  } while (after !== undefined)
  return report
}

async function faultOf(
  { object_key: key, sha256, size_bytes: sizeBytes }: ObjectRow,
  { objects, sizesOnly }: ObjectCheckOptions,
): Promise<ObjectFinding['kind'] | undefined> {
  const found = await objects.head(key)
  if (!found) return 'missing'
  if (found.sizeBytes !== sizeBytes) return 'damaged'
  if (sizesOnly) return undefined
  try {
    // Read for its hash, which the stream holds against the record at its end.
    for await (const _ of await objects.read(key, sha256));
    return undefined
  } catch (error) {
    if (error instanceof ObjectDamaged) return 'damaged'
    if (error instanceof ObjectMissing) return 'missing'
    throw error
  }
}
