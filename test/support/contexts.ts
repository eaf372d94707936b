/** All contexts, for tests that take the whole house. */
import { loadContexts } from '../../src/contexts.ts'
import { createRegistry } from '../../src/events/registry.ts'

export const contexts = await loadContexts()
export const registry = createRegistry(contexts)
export const eventSchemas = registry.schemas
export const folds = contexts.flatMap(({ aggregates }) => aggregates)
export const projections = contexts.flatMap((context) => context.projections)
