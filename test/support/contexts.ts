/** The contexts that a test's project loads (vitest.config.ts): a context's own tests that one, the kernel's all. */
import { auditRulesOf } from '../../src/audit/declarations.ts'
import { type ContextName, contextNames, loadContexts } from '../../src/contexts.ts'
import { createRegistry } from '../../src/events/registry.ts'
import { projectionsCheckpoint } from '../../src/projections/checkpoint.ts'

/** Their names; a bench, which is in no project, has all. */
const { TEST_CONTEXTS: listed = contextNames.join() } = process.env
export const loaded = listed.split(',').filter(Boolean) as readonly ContextName[]
export const contexts = await loadContexts(loaded)
export const registry = createRegistry(contexts)
export const eventSchemas = registry.schemas
export const auditRules = auditRulesOf(contexts)
export const projections = contexts.flatMap((context) => context.projections)
export const apis = await Promise.all(contexts.map(({ api }) => api()))

/** Noctant's checkpoint, which tests use that write the projections of all contexts together. */
export const CHECKPOINT = projectionsCheckpoint('noctant')
