/** Thrown inside the inspector where the file itself is at fault. */
import type { InspectionFault } from './inspection.ts'

export class Unusable extends Error {
  override name = 'Unusable'
  readonly fault: InspectionFault

  constructor(kind: InspectionFault['kind'], detail: string) {
    super(detail)
    this.fault = { kind, detail }
  }
}

export const truncated = (detail: string) => new Unusable('truncated', detail)
export const unreadable = (detail: string) => new Unusable('unreadable', detail)
