/** What steps were asked and answered, opened for those who may read the run. */
import { CONTENT_KEYS, contentKeyId, openContent } from '../../../processes/rungate/contents.ts'
import type { StepRow } from '../../../projections/rungate/step.ts'
import { type StepContentRow, stepContentsOf } from '../../../projections/rungate/step-content.ts'
import type { RungateParts } from '../access.ts'
import type { StepContent } from './step-view.ts'

type Parts = Pick<RungateParts, 'db' | 'providerSecrets'>

/** By the step's id; steps whose content is not kept, or whose key is destroyed, are left out. */
export async function contentsOf(
  { db, providerSecrets }: Parts,
  accountId: string,
  rows: readonly StepRow[],
): Promise<Map<string, StepContent>> {
  const ids = rows.flatMap(({ step_id, has_content }) => (has_content ? [step_id] : []))
  const found = ids.length === 0 ? [] : await stepContentsOf(db, accountId, ids)
  const opened = await Promise.all(
    found.map(async (row) => [row.step_id, await opening(providerSecrets, row)] as const),
  )
  return new Map(opened)
}

async function opening(keys: RungateParts['providerSecrets'], row: StepContentRow): Promise<StepContent> {
  const key = { kind: CONTENT_KEYS, keyId: contentKeyId(row.account_id, row.day) }
  const open = async (sealed: string | null, part: 'request' | 'response') => {
    const text = sealed === null ? null : await openContent(keys, key, sealed, { id: row.step_id, part })
    return text === null ? null : membersIn(text)
  }
  const [request, response] = await Promise.all([
    open(row.sealed_request, 'request'),
    open(row.sealed_response, 'response'),
  ])
  return { request, response }
}

function membersIn(text: string): Record<string, unknown> | null {
  const parsed: unknown = JSON.parse(text)
  return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : null
}
