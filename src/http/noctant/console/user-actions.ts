/** What can be done about a user. */
import { html } from 'hono/html'
import type { ActionDeclaration, Asked } from '../../pages/declaration.ts'
import { cameOf, said } from '../../pages/markup.ts'
import { callOperation } from '../../pages/operation-call.ts'
import { thingOf } from '../../pages/things.ts'
import type { NoctantParts } from '../access.ts'
import { reportKycStatus } from '../users/report-kyc-status.ts'
import { principalFor } from './operator.ts'
import { userThings } from './things.ts'

type Action = ActionDeclaration<NoctantParts>
type Noctant = Asked<NoctantParts>

const of = '/noctant/users/:id'

const userIn = (asked: Noctant) => thingOf(userThings, asked, asked.params.id ?? '')

async function requireUser(asked: Noctant) {
  const row = await userIn(asked)
  if (!row) throw new Error('the user of an action was there a moment ago')
  return row
}

const reportKyc: Action = {
  ...{ of, name: 'report-kyc', title: 'Report KYC', audience: ['administrator', 'operator'] },
  scopes: ['kyc_status:write'],
  fields: [
    {
      name: 'status',
      label: 'Status',
      kind: 'choice',
      choices: [
        ['verified', 'verified'],
        ['pending', 'pending'],
        ['rejected', 'rejected'],
        ['expired', 'expired'],
      ],
    },
    { name: 'rejection_reason', label: 'Reason of a rejection', kind: 'area' },
    { name: 'provider_name', label: 'Provider', lengthMax: 64 },
    { name: 'provider_reference', label: 'Its reference', lengthMax: 255 },
  ],
  async prepare(asked) {
    const row = await userIn(asked)
    return row && { says: html`<p>Records what your provider found about ${said(row.external_id)}, as of now.</p>` }
  },
  async perform(acting) {
    const row = await requireUser(acting)
    const { form, now } = acting
    const at = now.toISOString()
    const status = form.get('status') ?? ''
    const { commandId } = await callOperation(
      'noctant',
      reportKycStatus,
      acting,
      await principalFor(acting, row.operator_id),
      {
        params: { global_user_id: row.global_user_id },
        body: {
          ...{ status, reported_at: at },
          ...(status === 'verified' ? { verified_at: at } : {}),
          ...(status === 'rejected' ? { rejected_at: at, rejection_reason: form.get('rejection_reason') || null } : {}),
          provider_name: form.get('provider_name')?.trim() || null,
          provider_reference: form.get('provider_reference')?.trim() || null,
        },
      },
    )
    return { message: 'The report is on record.', links: commandId === undefined ? [] : [cameOf(commandId)] }
  },
}

export const userActions: readonly Action[] = [reportKyc]
