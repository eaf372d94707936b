/** Finds the projections that an event concerns: those with a handler for its type. */
import { anyVersionOf } from '../events/event.ts'
import type { Projection } from './projection.ts'

export interface ProjectionsByEventType {
  /** Projections with a handler for this type. */
  of(type: string): readonly Projection[]
  /** Projections with a handler for any version of this type: an event that does not decode may come from a newer release. */
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
