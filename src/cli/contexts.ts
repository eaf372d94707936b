/** All contexts, for the commands that read the log or the read models: loaded with the first of them. */
import { loadContexts } from '../contexts.ts'
import { createRegistry } from '../events/registry.ts'

const contexts = await loadContexts()

/** What the log's events mean. */
export const registry = createRegistry(contexts)

/** How streams are folded. */
export const folds = contexts.flatMap(({ aggregates }) => aggregates)

export const projections = contexts.flatMap((context) => context.projections)
