/** Work that others of the process would notice, done so that its time counts for whoever asked for it. */

/** Does work without an await, and counts its time. */
export type Counted = <T>(work: () => T) => Promise<T>

/** The same, at once. */
export type Count = <T>(work: () => T) => T
export const countNothing: Count = (work) => work()

/** Nobody is counted for. */
export const uncounted: Counted = async (work) => work()

/** How long a piece of work keeps the event loop from others. */
const SLICE_MS = 5

/**
 * Takes the steps to their end, and gives way to others each time that they have taken `sliceMs`. Rejects with what a step
 * throws.
 */
export async function inSlices<T>(
  steps: Iterator<unknown, T>,
  counted: Counted = uncounted,
  sliceMs = SLICE_MS,
): Promise<T> {
  const slice = (): IteratorResult<unknown, T> => {
    const startedMs = performance.now()
    for (;;) {
      const step = steps.next()
      if (step.done || performance.now() - startedMs >= sliceMs) return step
    }
  }
  for (;;) {
    const { done, value } = await counted(slice)
    if (done) return value
    await new Promise(setImmediate)
  }
}
