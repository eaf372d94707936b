/** Who asks noctant's operations for somebody who uses the console. */
import { apiScope } from '../../../events/noctant/vocabulary.ts'
import { findOperator } from '../../../projections/noctant/operator.ts'
import type { Asked } from '../../pages/declaration.ts'
import type { NoctantParts, Operator } from '../access.ts'

/** The operator whose key signed in; an administrator acts for the operator of the thing, under the own name. */
export async function principalFor({ viewer, parts }: Asked<NoctantParts>, operatorId: string): Promise<Operator> {
  if (viewer.principal) return viewer.principal as Operator
  const found = await findOperator(parts.db, operatorId)
  if (!found) throw new Error(`the operator ${operatorId} is in no read model`)
  const { sessionId, actor } = viewer
  return {
    ...{ operatorId, tenantId: operatorId, orgId: found.org_id, environment: found.environment },
    ...{ keyId: sessionId, scopes: apiScope.options, rateLimitTier: 'unlimited', actor },
    logFields: { operatorId, sessionId },
  }
}
