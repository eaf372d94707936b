/**
 * Removes what has to be kept no longer: originals once the buyer has the delivered copy, rejected content after its time,
 * and uploads that nobody submitted. Deleting may be repeated, so a crash before the removal is noted costs nothing.
 */
import type { ObjectStore } from '../../adapters/object-store/object-store.ts'
import { systemContext } from '../../commands/context.ts'
import { file } from '../../commands/firsthand/file.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { findRemovable, type ObjectRow } from '../../projections/firsthand/object.ts'
import { camel } from '../../runtime/letter-case.ts'
import { createDueWork, type DueItem, type DueWork, usualPace } from '../due-work.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import type { SweepLimits } from './expiry.ts'
import { JANITOR } from './process-names.ts'

export interface JanitorLimits extends SweepLimits {
  /** How old an upload may become. */
  uploadTtlMs: number
  /** Between two sweeps of the uploads. */
  uploadSweepMs: number
}

interface Options extends Pick<ProcessDependencies, 'db' | 'log' | 'now' | 'pace'> {
  bus: CommandBus
  objects: ObjectStore
  janitor: JanitorLimits
}

/** Of one organization at once, so that its many files leave room for others' removals. */
const ORGANIZATION_CONCURRENCY_MAX = 2
/** A store that is away for long is not asked every minute for each file. */
const RETRY_MAX_MS = 600_000
/** Longer than any upload takes: what is older ended midway. */
const UNFINISHED_TTL_MS = 7_200_000

interface Removal {
  id: string
  key: string
  row: ObjectRow
}

/** Removes the copies that may go, and notes it. */
export function createRemovals({
  db,
  log,
  now = () => new Date(),
  pace = usualPace,
  bus,
  objects,
  janitor,
}: Options): DueWork<Removal> {
  return createDueWork<Removal>({
    name: 'removal of files',
    log,
    now,
    limits: {
      ...{ ...pace, retryMaxMs: RETRY_MAX_MS, keyConcurrencyMax: ORGANIZATION_CONCURRENCY_MAX },
      ...{ keyQueueMax: janitor.batchMax, batchMax: janitor.batchMax, pollIntervalMs: janitor.intervalMs },
    },
    async findDue({ now: time, limit }) {
      const due = await findRemovable(db, time.toISOString(), limit)
      return due.map((row) => ({ id: `${row.file_id} ${row.copy}`, key: row.organization_id, row }))
    },
    async work({ row }) {
      const { organizationId, environment, jobId, submissionId, fileId, copy, objectKey, keptFor } = camel(row)
      await objects.delete(objectKey)
      const removed = { organizationId, environment, jobId, submissionId, fileId, copy, objectKey, keptFor }
      const at = now().toISOString()
      const context = systemContext('firsthand-janitor', deterministicId('firsthand.removal', fileId, copy), at)
      await bus.handle(file, fileId, { removed, at }, context)
    },
  })
}

/** Removes uploads that are too old, and what uploads have left midway, a page at a time. Answers how many there were. */
export async function sweepUploads(
  { objects, now = () => new Date(), janitor }: Pick<Options, 'objects' | 'now' | 'janitor'>,
  signal: AbortSignal,
): Promise<number> {
  const before = new Date(now().getTime() - janitor.uploadTtlMs)
  let removed = await objects.discardUnfinished(new Date(now().getTime() - UNFINISHED_TTL_MS))
  let after: string | undefined
  do {
    const page = await objects.list('uploads/', after, janitor.batchMax)
    // A store may give fewer at a time than it is asked for: an empty page is the end.
    after = page.at(-1)?.key
    for (const { key } of page.filter(({ storedAt }) => storedAt < before)) {
      if (signal.aborted) return removed
      await objects.delete(key)
      removed += 1
    }
  } while (after !== undefined && !signal.aborted)
  return removed
}

const UPLOADS = { id: 'uploads', key: 'uploads' }

/** Sweeps the uploads, now and at intervals. */
function createUploadSweeps(options: Options): DueWork<DueItem> {
  const { log, janitor, pace = usualPace, now = () => new Date() } = options
  return createDueWork<DueItem>({
    name: 'sweep of uploads',
    log,
    now,
    limits: {
      ...{ ...pace, concurrencyMax: 1, keyConcurrencyMax: 1, keyQueueMax: 1, batchMax: 1 },
      ...{ pollIntervalMs: janitor.uploadSweepMs, retryMaxMs: RETRY_MAX_MS },
    },
    findDue: async () => [UPLOADS],
    async work(_, signal) {
      const removed = await sweepUploads(options, signal)
      if (removed > 0) log.info({ removed }, 'uploads that nobody submitted are gone')
    },
  })
}

type JanitorOptions = ProcessDependencies & Omit<Options, 'objects'> & { open: () => Promise<ObjectStore> }

/** Runs until `signal` aborts; stands by while another process leads. `open` makes the object store. */
export const runJanitor = (options: JanitorOptions): Promise<void> =>
  runProcess(
    {
      name: JANITOR,
      // Its own, so that its health shows how many files it has removed.
      types: ['firsthand.FileRemoved.v'],
      handle: async () => undefined,
      background: (signal) => [
        options.open().then(async (objects) => {
          const parts = { ...options, objects }
          await Promise.all([createRemovals(parts).run(signal), createUploadSweeps(parts).run(signal)])
        }),
      ],
    },
    options,
  )
