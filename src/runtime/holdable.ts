/** The same value with its texts as PostgreSQL can hold them: U+FFFD in place of NUL and of half a surrogate pair. */
export function holdable<T>(value: T): T
export function holdable(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD').toWellFormed()
  if (Array.isArray(value)) return value.map((each) => holdable(each))
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [holdable(key), holdable(each)]))
}
