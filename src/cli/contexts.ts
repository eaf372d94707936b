/** All contexts, for the commands that read the log or the read models: loaded with the first of them. */
import { auditRulesOf } from '../audit/declarations.ts'
import { loadContexts } from '../contexts.ts'
import { createRegistry } from '../events/registry.ts'

export const contexts = await loadContexts()

/** What the log's events mean. */
export const registry = createRegistry(contexts)

/** What auditors can check. */
export const auditRules = auditRulesOf(contexts)

export const projections = contexts.flatMap((context) => context.projections)
