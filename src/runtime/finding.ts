/** What a look at a backing service found, before anything is built on it. */
export type Finding =
  | { kind: 'serves' }
  /** It may come by itself, as a server that is being started does. `what` is half a sentence: what came back. */
  | { kind: 'absent'; what: string }
  /** Waiting changes nothing. `what` is a sentence or two: what was tried, what came back, what to change. */
  | { kind: 'unusable'; what: string }

export const serves: Finding = { kind: 'serves' }
export const absent = (what: string): Finding => ({ kind: 'absent', what })
export const unusable = (what: string): Finding => ({ kind: 'unusable', what })

/** One finding about several addresses of one service: one that serves is enough, and a fault beats an absence. */
export function strongestOf(findings: readonly Finding[]): Finding {
  for (const kind of ['serves', 'unusable', 'absent'] as const) {
    const found = findings.find((finding) => finding.kind === kind)
    if (found) return found
  }
  return absent('no address was given')
}

/** The message of the innermost error; of several together, that of the first. */
export function innermostMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  return inner instanceof Error ? innermostMessage(inner) : error.message || error.name
}
