/** How much each name has, such as bytes, for names that have any, and all of them together. */
export function createTally() {
  const sums = new Map<string, number>()
  let total = 0
  const of = (name: string): number => sums.get(name) ?? 0
  const change = (name: string, by: number): void => {
    total += by
    const left = of(name) + by
    if (left > 0) sums.set(name, left)
    else sums.delete(name)
  }
  return {
    ...{ of, total: () => total, names: () => sums.size },
    /** What it returns takes the amount out again. */
    add(name: string, amount: number): () => void {
      change(name, amount)
      return () => change(name, -amount)
    },
  }
}
