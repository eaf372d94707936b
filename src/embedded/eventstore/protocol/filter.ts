/** The filters of $all: by stream name or event type, by a list of prefixes or by a regular expression. */
import { type RecordView, recordNameBytes, recordTypeBytes } from '../storage/record.ts'
import { invalidArgument } from './errors.ts'
import type { FilterRequest } from './read-messages.ts'

export type RecordFilter = (record: RecordView) => boolean

/** @throws INVALID_ARGUMENT where the regular expression does not compile. */
export function compileFilter(request: FilterRequest): RecordFilter {
  const bytesOf = request.on === 'stream' ? recordNameBytes : recordTypeBytes
  if (request.regex !== '') {
    const expression = compileExpression(request.regex)
    // Few distinct types pass by, so their verdicts are remembered; stream names are many and are tested each time.
    const verdicts = new Map<string, boolean>()
    return (record) => {
      const text = bytesOf(record).toString('utf8')
      const known = verdicts.get(text)
      if (known !== undefined) return known
      const verdict = expression.test(text)
      if (request.on === 'type' && verdicts.size < 4096) verdicts.set(text, verdict)
      return verdict
    }
  }
  const prefixes = request.prefixes.map((prefix) => Buffer.from(prefix, 'utf8'))
  if (prefixes.length === 0) throw invalidArgument('a filter needs a regular expression or prefixes')
  return (record) => {
    const text = bytesOf(record)
    return prefixes.some(
      (prefix) => prefix.length <= text.length && text.compare(prefix, 0, prefix.length, 0, prefix.length) === 0,
    )
  }
}

function compileExpression(source: string): RegExp {
  try {
    return new RegExp(source)
  } catch (error) {
    throw invalidArgument(`the filter's regular expression is not valid: ${(error as Error).message}`)
  }
}
