/**
 * Globs over the whole name of a model or a tool: `*` is any characters, `?` one. Patterns are tenants' own, so they are matched
 * in time bounded by the product of the two lengths; a regular expression of many stars takes for ever.
 */

/** Upper and lower case are the same: nobody passes a rule by spelling. */
export function matchesGlob(pattern: string, name: string): boolean {
  const [glob, text] = [pattern.toLowerCase(), name.toLowerCase()]
  let [at, next, star, resume] = [0, 0, -1, 0]
  while (at < text.length) {
    if (next < glob.length && glob[next] === '*') {
      star = next++
      resume = at
    } else if (next < glob.length && (glob[next] === '?' || glob[next] === text[at])) {
      next++
      at++
    } else if (star >= 0) {
      next = star + 1
      at = ++resume
    } else return false
  }
  while (glob[next] === '*') next++
  return next === glob.length
}

export const matchingGlob = (patterns: readonly string[], name: string): string | undefined =>
  patterns.find((pattern) => matchesGlob(pattern, name))
