/** All contexts, for tests that take the whole house. */
import { auditRulesOf } from '../../src/audit/declarations.ts'
import { loadContexts } from '../../src/contexts.ts'
import { createRegistry } from '../../src/events/registry.ts'

export const contexts = await loadContexts()
export const registry = createRegistry(contexts)
export const eventSchemas = registry.schemas
export const auditRules = auditRulesOf(contexts)
export const projections = contexts.flatMap((context) => context.projections)
export const apis = await Promise.all(contexts.map(({ api }) => api()))
