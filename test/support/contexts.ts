/** All contexts, for tests that take the whole house. */
import { auditRulesOf } from '../../src/audit/declarations.ts'
import { loadContexts } from '../../src/contexts.ts'
import { createRegistry } from '../../src/events/registry.ts'
import { projectionsCheckpoint } from '../../src/projections/checkpoint.ts'

export const contexts = await loadContexts()
export const registry = createRegistry(contexts)
export const eventSchemas = registry.schemas
export const auditRules = auditRulesOf(contexts)
export const projections = contexts.flatMap((context) => context.projections)
export const apis = await Promise.all(contexts.map(({ api }) => api()))

/** Noctant's checkpoint, which tests use that write the projections of all contexts together. */
export const CHECKPOINT = projectionsCheckpoint('noctant')
