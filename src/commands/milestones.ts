/**
 * States of a stream on the way to its last one. An answer of long ago is folded from the nearest of them, and not from
 * the stream's start: without them a repeat costs as much as the stream is long.
 */

export interface Milestone<State> {
  revision: bigint
  state: State
}

export interface Milestones<State> {
  /** Takes in the state right after this revision. It keeps one where the last one kept is far enough behind. */
  note(revision: bigint, state: State): void
  /** The last one kept before the revision. */
  before(revision: bigint): Milestone<State> | undefined
}

/** Of one stream. Where there are more, every second one goes. */
const KEPT_MAX = 32
/** Events between two of them, in a stream of up to 2,048. */
const FIRST_GAP = 64n

export function createMilestones<State>(): Milestones<State> {
  // Most streams are shorter than the first gap.
  let kept: Milestone<State>[] = []
  let gap = FIRST_GAP
  return {
    note(revision, state) {
      if (revision - (kept.at(-1)?.revision ?? -1n) < gap) return
      kept.push({ revision, state })
      if (kept.length <= KEPT_MAX) return
      kept = kept.filter((_, index) => index % 2 === 1)
      gap *= 2n
    },
    before: (revision) => kept.findLast((each) => each.revision < revision),
  }
}
