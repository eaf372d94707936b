/** What steps were asked and answered, opened for those who may read the run. */
import { CONTENT_KEYS, contentKeyId, openContent } from '../../../processes/rungate/contents.ts'
import type { StepRow } from '../../../projections/rungate/step.ts'
import { type StepContentRow, stepContentsOf } from '../../../projections/rungate/step-content.ts'
import { JsonSource } from '../../json.ts'
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
  return new Map(opened.flatMap(([id, content]) => (content ? [[id, content] as const] : [])))
}

/** Undefined where its key was destroyed. */
async function opening(keys: RungateParts['providerSecrets'], row: StepContentRow): Promise<StepContent | undefined> {
  const { step_id: id, sealed_request, sealed_response } = row
  const key = { kind: CONTENT_KEYS, keyId: contentKeyId(row.account_id, row.day) }
  const open = (sealed: string | null, part: 'request' | 'response') =>
    sealed === null ? null : openContent(keys, key, sealed, { id, part })
  const [request, response] = await Promise.all([open(sealed_request, 'request'), open(sealed_response, 'response')])
  const isGone = (sealed_request ?? sealed_response) !== null && request === null && response === null
  return isGone ? undefined : { request: shown(request), response: shown(response) }
}

/** A kept text as answers repeat it, digit by digit; null for what is no object. */
export function shown(text: string | null): JsonSource | null {
  if (text === null) return null
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? new JsonSource(value, text) : null
}
