/** What callers see of a media job. */
import { z } from '@hono/zod-openapi'
import { mediaFileIdOf } from '../../../commands/killatamata/ids.ts'
import { priceOf } from '../../../commands/killatamata/media/prices.ts'
import type { MediaJobFacts } from '../../../commands/killatamata/media-job.ts'
import { numberOf, usdText } from '../../../commands/killatamata/money.ts'
import type { Pricing } from '../../../events/killatamata/media.ts'
import type { Media } from '../../../processes/killatamata/media/parts.ts'
import { shownFiles } from '../../../processes/killatamata/media/shown-files.ts'
import { jobOf, type MediaFileRow, type MediaJobRow, measuresOf } from '../../../projections/killatamata/media.ts'
import { nullableTimeOut, timeOut } from '../../schemas.ts'

const facts = z.looseObject({})

const adjustment = z
  .strictObject({ field: z.string(), requested: z.any().optional(), effective: z.any().optional(), reason: z.string() })
  .openapi('MediaInputAdjustment')

const billing = z
  .strictObject({
    usdChargedMicros: z.int().nullable(),
    usdCharged: z.string().nullable(),
    pricingMeta: facts.nullable(),
    stagedInputCount: z.int().nullable(),
  })
  .openapi('MediaJobBilling')

export const submitAnswer = z
  .looseObject({
    ...{ ok: z.boolean(), task: z.string(), externalJobId: z.string() },
    ...{ usdChargedMicros: z.int(), usdCharged: z.string(), usdBalanceMicros: z.int(), usdBalance: z.string() },
    ...{ pricingMeta: facts, stagedInputCount: z.int(), estimatedDurationSeconds: z.number() },
    ...{ durationEstimateMeta: facts, effectiveInput: facts, inputAdjustments: z.array(adjustment) },
    ...{ billing, result: facts },
  })
  .openapi('MediaJobSubmitResponse')

const file = z
  .object({
    ...{ fileId: z.string(), url: z.string(), mimeType: z.string(), sizeBytes: z.int(), sha256: z.string() },
    ...{ width: z.int().optional(), height: z.int().optional() },
    ...{ durationMs: z.int().optional(), frames: z.int().optional() },
  })
  .openapi('MediaOutputFile')

const uri = z.string().openapi({ type: 'string', format: 'uri' })

export const statusAnswer = z
  .looseObject({
    ...{ ok: z.boolean(), task: z.string().nullable(), externalJobId: z.string(), status: z.string() },
    ...{ result: facts.optional(), effectiveInput: facts.optional() },
    inputAdjustments: z.array(adjustment).optional(),
    ...{ estimatedDurationSeconds: z.number().nullable(), durationEstimateMeta: facts.nullable(), billing },
    ...{ createdAt: timeOut, updatedAt: timeOut, expiresAt: nullableTimeOut },
    ...{ durationMs: z.int().nullable(), outputFiles: z.array(file).nullable(), outputUrl: z.string().nullable() },
    ...{ generatedImageIds: facts.nullable(), expectedOutputUrls: z.array(uri) },
    downloadableOutputUrls: z.array(uri),
  })
  .openapi('MediaJobStatusResponse')

const pricingMeta = (pricing: Pricing, holdMicros: bigint) => {
  const { priceVersion, unit, quantity, unitUsdMicros, unitSize, multipliers, billedAt, details } = pricing
  return {
    ...{ priceVersion, unit, quantity, unitUsdMicros, unitSize, multipliers, billedAt, ...details },
    holdUsdMicros: numberOf(holdMicros),
  }
}

const money = (micros: bigint) => ({ usdChargedMicros: numberOf(micros), usdCharged: usdText(micros) })

/** The answer to the request, out of what was recorded then. */
export function submitView({ jobId, job, availableMicros }: MediaJobFacts) {
  const charged = money(BigInt(job.holdUsdMicros))
  const available = BigInt(availableMicros)
  const meta = pricingMeta(job.pricing, priceOf(job.pricing))
  const { stagedInputCount } = job
  return {
    ...{ ok: true, task: job.task, externalJobId: jobId, ...charged },
    ...{ usdBalanceMicros: numberOf(available), usdBalance: usdText(available), pricingMeta: meta, stagedInputCount },
    ...{ estimatedDurationSeconds: job.estimatedDurationS, durationEstimateMeta: { ...job.estimate } },
    ...{ effectiveInput: job.effectiveInput, inputAdjustments: job.adjustments },
    billing: { ...charged, pricingMeta: meta, stagedInputCount },
    result: { jobId, status: 'queued' },
  }
}

const MAKES_IMAGES = ['image.generate', 'image.edit']

export interface StatusGiven {
  row: MediaJobRow & { open_hold: string | null }
  files: readonly MediaFileRow[]
  includeDetails: boolean
  /** How long files are promised to be there. */
  promisedMs: number
}

/** Of a job whose end is in the log, its money is settled before its end shows. */
function shownStatus({ status, open_hold }: StatusGiven['row']) {
  return open_hold !== null && (status === 'completed' || status === 'failed') ? 'processing' : status
}

const chargedOf = (row: StatusGiven['row'], status: string): bigint =>
  BigInt(status === 'completed' ? (row.charged_micros ?? 0) : status === 'failed' ? 0 : row.hold_micros)

export async function statusView(media: Pick<Media, 'addresses'>, given: StatusGiven) {
  const { row, files: rows, includeDetails, promisedMs } = given
  const job = jobOf(row)
  const status = shownStatus(row)
  const [isCompleted, isFailed] = [status === 'completed', status === 'failed']
  const files = isCompleted ? await shownFiles(media, row.job_id, rows.map(fileFacts)) : null
  const error = { code: row.failure_code, message: row.failure_message }
  const result = isFailed ? { error } : { jobId: row.job_id, status }
  const wanted = await expectedUrls(media, row)
  return {
    ...{ ok: !isFailed, task: row.task, externalJobId: row.job_id, status },
    ...((includeDetails || isFailed) && { result }),
    ...(includeDetails && {
      effectiveInput: row.effective_input as Record<string, unknown>,
      inputAdjustments: row.adjustments as never[],
    }),
    ...{ estimatedDurationSeconds: job.estimatedDurationS, durationEstimateMeta: { ...job.estimate } },
    billing: {
      ...money(chargedOf(row, status)),
      pricingMeta: pricingMeta(job.pricing, BigInt(row.hold_micros)),
      stagedInputCount: job.stagedInputCount,
    },
    ...{ createdAt: row.created_at, updatedAt: row.updated_at },
    durationMs:
      row.ended_at && (isCompleted || isFailed) ? Date.parse(row.ended_at) - Date.parse(row.created_at) : null,
    ...{ outputFiles: files, outputUrl: files?.[0]?.url ?? null, generatedImageIds: imageIds(row, files) },
    ...{ expectedOutputUrls: wanted, downloadableOutputUrls: files?.map(({ url }) => url) ?? [] },
    expiresAt: isCompleted && row.ended_at ? new Date(Date.parse(row.ended_at) + promisedMs).toISOString() : null,
  }
}

const fileFacts = (row: MediaFileRow) => ({
  ...{ fileId: row.file_id, name: row.name, mimeType: row.mime_type, sizeBytes: Number(row.size_bytes) },
  ...{ sha256: row.sha256, measures: measuresOf(row) },
})

const expectedUrls = ({ addresses }: Pick<Media, 'addresses'>, row: StatusGiven['row']): Promise<string[]> =>
  Promise.all(
    jobOf(row).outputNames.map((name, index) =>
      addresses.urlOf(row.job_id, { fileId: mediaFileIdOf(row.job_id, row.created_at, index), name }),
    ),
  )

const imageIds = ({ task }: StatusGiven['row'], files: readonly { fileId: string }[] | null) =>
  files && MAKES_IMAGES.includes(task)
    ? Object.fromEntries(files.map(({ fileId }, index) => [String(index), fileId]))
    : null
