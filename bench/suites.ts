/** Runs suites one after the other, each to its end, whatever becomes of the ones before. */

export interface Failed {
  name: string
  error: unknown
}

/** Resolves with the names of those that failed, in order; `onFailure` hears of each at once. */
export async function runSuites(
  names: readonly string[],
  run: (name: string) => Promise<void>,
  onFailure: (failed: Failed) => void,
): Promise<string[]> {
  const failed: string[] = []
  for (const name of names) {
    try {
      await run(name)
    } catch (error) {
      failed.push(name)
      onFailure({ name, error })
    }
  }
  return failed
}
