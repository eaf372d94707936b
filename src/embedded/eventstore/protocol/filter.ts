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
    return prefixes.some((prefix) => beginsWith(text, prefix))
  }
}

/** In a loop of ours, since most prefixes differ from most texts in the first bytes. */
function beginsWith(text: Buffer, prefix: Buffer): boolean {
  if (prefix.length > text.length) return false
  for (let at = 0; at < prefix.length; at++) if (text[at] !== prefix[at]) return false
  return true
}

const HIDDEN_PREFIX = Buffer.from('$persistentsubscription-$all::')
const HIDDEN_ENDS = [Buffer.from('-checkpoint'), Buffer.from('-parked')]

/** Whether $all hides an event: those that the persistent subscriptions to it write, which would else feed themselves. */
export function isHidden(record: RecordView): boolean {
  const name = recordNameBytes(record)
  if (!beginsWith(name, HIDDEN_PREFIX)) return false
  return HIDDEN_ENDS.some((end) => name.subarray(-end.length).equals(end))
}

function compileExpression(source: string): RegExp {
  try {
    return compileDotnetExpression(source)
  } catch (error) {
    throw invalidArgument(`the filter's regular expression is not valid: ${(error as Error).message}`)
  }
}
