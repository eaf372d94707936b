/** Which projections an event concerns: those that have a handler for its type, in whatever version. */
import { anyVersionOf } from '../events/event.ts'
import type { Projection } from './projection.ts'

export interface ProjectionsByEventType {
  /** The projections that an event of this type concerns. */
  of(type: string): readonly Projection[]
  /** As `of`, with any version of the type: what cannot be read may be one of a newer release. */
  ofAnyVersion(type: string): readonly Projection[]
}

export function projectionsByEventType(projections: readonly Projection[]): ProjectionsByEventType {
  const byType = new Map<string, Projection[]>()
  const byName = new Map<string, Set<Projection>>()
  for (const projection of projections) {
    for (const type of Object.keys(projection.handlers)) {
      byType.set(type, [...(byType.get(type) ?? []), projection])
      const name = anyVersionOf(type)
      byName.set(name, (byName.get(name) ?? new Set()).add(projection))
    }
  }
  return {
    of: (type) => byType.get(type) ?? [],
    ofAnyVersion: (type) => [...(byName.get(anyVersionOf(type)) ?? [])],
  }
}
