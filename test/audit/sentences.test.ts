import { expect, test } from 'vitest'
import { sentenceOf } from '../../src/audit/sentences.ts'
import { sampleRegistry as registry } from '../sample/context.ts'

test('a type without a sentence of its own is told by its name and its data', () => {
  const event = { type: 'sample.LicenceGrantedAnew.v3', data: { seats: 5, note: null, occurredAt: 'x', by: 'Ann' } }
  expect(sentenceOf(event, registry.sentences)).toBe('Licence granted anew: seats 5, by Ann')
})

test('what came from outside stays on its line and within bounds', () => {
  const data = { from: 'open', to: 'shut', reason: `a\n\u001b[31mb${'x'.repeat(500)}` }
  const sentence = sentenceOf({ type: 'sample.RoomStatusChanged.v1', data }, registry.sentences)
  expect(sentence).toMatch(/^The status went from open to shut: a \[31mbx+…\.$/)
  expect(sentence.length).toBeLessThan(220)
})
