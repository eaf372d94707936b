/** What the document says of calls of models. */
import { exampleTime as at, exampleId as id, type Words } from '../../words.ts'

export const proxyWords: Words = {
  provider_key_id: ['The id of the provider key.', id(2)],
  state: ['Whether calls are tried: `open` is not, `half_open` tries one.', 'closed'],
  failure_count: ['Failures in a row that opened it.', 0],
  last_failure_at: ['When the last of them was, in UTC; null: there was none.', null],
  last_success_at: ['When it was found to work again, in UTC; null: it has not been open.', null],
  opened_at: ['Since when it is open, in UTC; null: it is not.', null],
  recovery_at: ['When a call tries again, in UTC; null: it is not open.', at(9)],
}
