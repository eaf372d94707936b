/** Operators as commands name them. */
import { z } from 'zod'
import { deterministicId } from '../../commands/identity.ts'
import { operator } from '../../commands/noctant/operator.ts'
import { Rejected } from '../../commands/noctant/rejection.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import { isBeginning, wholeIdOf } from '../whole-id.ts'
import { identified } from './identified.ts'

/** The id of the operator that this slug, this id or this beginning of one names. Rejects with operator_not_found. */
export async function operatorIdOf(
  { store, db }: Pick<AdminSession, 'store' | 'db'>,
  slugOrId: string,
): Promise<string> {
  if (z.uuid().safeParse(slugOrId).success) return slugOrId.toLowerCase()
  const claim = await store.readLast(`noctant.operatorSlug-${deterministicId('noctant.operatorSlug', slugOrId)}`)
  if (claim?.type !== 'noctant.OperatorSlugClaimed.v1') {
    if (isBeginning(slugOrId.toLowerCase())) return wholeIdOf({ db }, identified.operator, slugOrId)
    throw new Rejected('operator_not_found', `There is no operator ${slugOrId}.`)
  }
  return String(claim.data.operatorId)
}

/** The same, of an operator that exists. */
export async function existingOperator(session: AdminSession, slugOrId: string): Promise<string> {
  const operatorId = await operatorIdOf(session, slugOrId)
  const { status } = await session.bus.load(operator, operatorId)
  if (status === 'absent') throw new Rejected('operator_not_found', `There is no operator ${slugOrId}.`)
  return operatorId
}

const sandboxSchema = z.object({ url: z.string(), api_key: z.string(), operator_id: z.string() })
export type SandboxOperator = z.infer<typeof sandboxSchema>

/** The sandbox operator that the first start created. Throws CliError (unreachable) where there is none. */
export const sandboxOperator = ({ kept }: Pick<AdminTools, 'kept'>): SandboxOperator =>
  kept('sandbox-operator.json', sandboxSchema, 'The first `npm start` writes it; or pass --url and --key.')
