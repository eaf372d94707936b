/**
 * What a context declares. A context is one API contract with all that stands behind it, as one value: the kernel is
 * given a list of such values (contexts.ts) and knows none of them by name.
 */
import type { AuditDeclarations } from './audit/declarations.ts'
import type { AnyAggregate } from './commands/decider.ts'
import type { EventDeclarations } from './events/registry.ts'
import type { ContextApi } from './http/context.ts'
import type { Projection } from './projections/projection.ts'

export interface Context {
  /** The first part of its event types, of its tables' names and of its paths: `noctant`. */
  readonly name: string
  readonly events: EventDeclarations
  /** How its streams are folded, each category once. */
  readonly aggregates: readonly AnyAggregate[]
  readonly projections: readonly Projection[]
  /** What auditors can check of it. */
  readonly books?: AuditDeclarations
  /** Its HTTP, loaded where it is served or described. */
  readonly api: () => Promise<ContextApi>
}
