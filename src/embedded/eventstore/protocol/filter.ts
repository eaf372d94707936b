/** The filters of $all: by stream name or event type, by a list of prefixes or by a regular expression. */
import { type RecordView, recordNameBytes, recordTypeBytes } from '../storage/record.ts'
import { compileDotnetExpression } from './dotnet-regex.ts'
import { invalidArgument } from './errors.ts'
import type { FilterRequest } from './read-requests.ts'

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
  return (record) => {
    const text = bytesOf(record)
    return prefixes.some(
      (prefix) => prefix.length <= text.length && text.compare(prefix, 0, prefix.length, 0, prefix.length) === 0,
    )
  }
}

const HIDDEN_PREFIX = Buffer.from('$persistentsubscription-$all::')
const HIDDEN_ENDS = [Buffer.from('-checkpoint'), Buffer.from('-parked')]

/** Whether $all hides an event: those that the persistent subscriptions to it write, which would else feed themselves. */
export function isHidden(record: RecordView): boolean {
  const name = recordNameBytes(record)
  if (name.length < HIDDEN_PREFIX.length || name[1] !== HIDDEN_PREFIX[1]) return false
  if (name.compare(HIDDEN_PREFIX, 0, HIDDEN_PREFIX.length, 0, HIDDEN_PREFIX.length) !== 0) return false
  return HIDDEN_ENDS.some((end) => name.subarray(-end.length).equals(end))
}

function compileExpression(source: string): RegExp {
  try {
    return compileDotnetExpression(source)
  } catch (error) {
    throw invalidArgument(`the filter's regular expression is not valid: ${(error as Error).message}`)
  }
}
