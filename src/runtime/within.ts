/** A bound on the time that work may take. */

/** What the work gives, or `late` once `ms` have passed; the work goes on unseen. Rejects as the work does. */
export async function within<T, L>(ms: number, work: Promise<T>, late: L): Promise<T | L> {
  const { promise: expired, resolve } = Promise.withResolvers<L>()
  const timer = setTimeout(() => resolve(late), ms)
  try {
    return await Promise.race([work, expired])
  } finally {
    clearTimeout(timer)
  }
}
