/** What stands behind a media job and behind a plan: files, the callback, and the jobs that are planned. */
import { html } from 'hono/html'
import type { ApprovalPlanRow, approvalPlans } from '../../../projections/killatamata/agent.ts'
import { callbacks, type MediaJobRow, mediaFiles } from '../../../projections/killatamata/media.ts'
import type { RowOf } from '../../../projections/projection.ts'
import type { Asked, Markup } from '../../pages/declaration.ts'
import { said, section, shortId, state, time } from '../../pages/markup.ts'
import { figure, rowsTable } from '../../pages/table.ts'
import { rowsOf, type WithDatabase } from '../../pages/things.ts'

const SHOWN_MAX = 100

/** The address that is called has what the customer put into it, so that its host alone is shown. */
export async function behindJob(asked: Asked<WithDatabase>, { job_id, request_id }: MediaJobRow): Promise<Markup> {
  const [files, called] = await Promise.all([
    rowsOf(asked, mediaFiles, { at: 'place', of: ['job_id', job_id], limit: SHOWN_MAX }),
    rowsOf(asked, callbacks, { at: 'request_id', of: ['request_id', request_id], limit: 1 }),
  ])
  return html`${section(
    'Files',
    rowsTable('Files', files, 'There is no file.', [
      { name: 'file_id', label: 'File', show: ({ file_id }) => shortId(file_id) },
      { name: 'name', label: 'Name', show: ({ name }) => said(name) },
      { name: 'mime_type', label: 'Type', show: ({ mime_type }) => mime_type },
      figure('size_bytes', 'Bytes', ({ size_bytes }) => size_bytes),
      { name: 'completed_at', label: 'Made', show: ({ completed_at }) => time(completed_at) },
      { name: 'deleted_at', label: 'Deleted', show: ({ deleted_at }) => time(deleted_at) },
    ]),
  )}
${section(
  'Callback',
  rowsTable('Callback', called, 'Nobody is told of its end.', [
    { name: 'host', label: 'To', show: ({ host }) => said(host) },
    { name: 'status', label: 'Status', show: ({ status }) => state(status) },
    figure('attempts', 'Attempts', ({ attempts }) => attempts),
    { name: 'next_attempt_at', label: 'Next attempt', show: ({ next_attempt_at }) => time(next_attempt_at) },
  ]),
)}`
}

export async function behindPlan(_: Asked<WithDatabase>, row: RowOf<typeof approvalPlans>): Promise<Markup> {
  const { jobs } = row as ApprovalPlanRow
  return section(
    'Planned jobs',
    rowsTable('Planned jobs', jobs, 'It plans no job.', [
      { name: 'title', label: 'Title', show: ({ title }) => said(title) },
      { name: 'task', label: 'What', show: ({ task }) => task },
      figure('estimated_usd_micros', 'Micro-dollars', ({ estimatedUsdMicros }) => estimatedUsdMicros),
    ]),
  )
}
