/** The audit API's operations, in its document's order. */
import type { Operation } from '../operation.ts'
import type { AuditParts } from './access.ts'
import { getHistory } from './get-history.ts'
import { getState } from './get-state.ts'
import { getTrace } from './get-trace.ts'
import { getVerification } from './get-verification.ts'
import { listSeals } from './list-seals.ts'

export const operations: readonly Operation<AuditParts>[] = [getHistory, getTrace, getState, getVerification, listSeals]
