/**
 * Who reads the log through the console. An auditor and an operator read their part of it, each reading on record as over
 * the API; an administrator reads all of it, as on the command line.
 */

import { randomUUID } from 'node:crypto'
import { type Ground, QuestionTooLarge } from '../../../audit/history.ts'
import { recordedTenantOf } from '../../../audit/scope.ts'
import { commandContext } from '../../../commands/context.ts'
import { Problem } from '../../errors.ts'
import type { Asked } from '../../pages/declaration.ts'
import { ALL_OPERATORS, type Auditor, type AuditParts } from '../access.ts'
import { type AuditCode, refuse } from '../errors.ts'
import type { Reader } from '../positions.ts'
import { type AuditRequest, audited, type Found, groundOf, type Question } from '../reading.ts'

type Audit = Asked<AuditParts>

/** As the audit API knows callers. */
export function auditorOf({ viewer }: Pick<Audit, 'viewer'>): Auditor {
  const { audience, principal, actor, sessionId } = viewer
  if (audience === 'auditor') return principal as Auditor
  const operatorId = principal ? recordedTenantOf(principal.tenantId) : ALL_OPERATORS
  const keyId = actor.keyId ?? sessionId
  return { operatorId, tenantId: operatorId, environment: '', keyId, scopes: ['audit:read'], actor, logFields: {} }
}

/** What positions are shown by, and opened. */
export const readerOf = (asked: Audit): Reader & AuditParts & { principal: Auditor } => ({
  ...asked.parts,
  principal: auditorOf(asked),
  sealer: asked.sealer,
})

/** What this viewer may read, and how much of it for one question. */
export const groundFor = (asked: Audit): Promise<Ground> =>
  groundOf({ ...asked.parts, principal: auditorOf(asked), caller: asked.caller })

/**
 * Reads within the viewer's scope and the budget, and puts it on record where the viewer is no administrator. Undefined:
 * there is no such thing, or none that the viewer may see. Throws a Problem: audit_busy, audit_too_large.
 */
export async function reading<T>(
  asked: Audit,
  question: Question,
  read: (ground: Ground) => Promise<Found<T>>,
): Promise<T | undefined> {
  const { parts, caller, viewer, now } = asked
  if (viewer.audience === 'administrator') {
    const found = await read(await groundFor(asked)).catch((error: unknown) => {
      if (error instanceof QuestionTooLarge) throw refuse('audit_too_large', `Ask the command line: ${error.message}.`)
      throw error
    })
    return found.answer
  }
  const principal = auditorOf(asked)
  const command = commandContext(principal.actor, randomUUID(), now.toISOString(), { requestId: caller.requestId })
  const request: AuditRequest = { ...parts, principal, caller, command }
  return audited(request, question, false, read).catch((error: unknown) => {
    if (error instanceof Problem && (error as Problem<AuditCode | string>).code === 'audit_subject_not_found')
      return undefined
    throw error
  })
}
