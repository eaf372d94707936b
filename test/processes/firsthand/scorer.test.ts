/** What the scorer does with events of the log: it offers what has arrived, and says what it cannot read. */
import { expect, it } from 'vitest'
import { offerScorings } from '../../../src/processes/firsthand/scorer.ts'
import { createRecorder, example } from '../../support/examples.ts'

const TYPE = 'firsthand.SubmissionReceived.v1'

it('an event that does not decode is told of, and holds up no other', () => {
  const { record, poison } = createRecorder()
  const received = record(example(TYPE))
  const bad = poison(TYPE, received.stream)
  const offered: string[] = []
  const logged: object[] = []
  const log = { error: (fields: object) => void logged.push(fields) }
  offerScorings([bad, received], { offer: ({ id }) => void offered.push(id) }, log)
  expect(offered).toStrictEqual([(received.data as { submissionId: string }).submissionId])
  expect(logged).toStrictEqual([{ eventId: bad.id, stream: bad.stream, type: TYPE, fault: 'does not decode' }])
})
