import { expect, test } from 'vitest'
import { sentenceOf } from '../../src/audit/sentences.ts'
import { registry } from '../support/contexts.ts'

test('a type without a sentence of its own is told by its name and its data', () => {
  const event = { type: 'rungate.LicenceGrantedAnew.v3', data: { seats: 5, note: null, occurredAt: 'x', by: 'Ann' } }
  expect(sentenceOf(event, registry.sentences)).toBe('Licence granted anew: seats 5, by Ann')
})

test('what came from outside stays on its line and within bounds', () => {
  const data = { from: 'active', to: 'disabled', reason: `a\n\u001b[31mb${'x'.repeat(500)}` }
  const sentence = sentenceOf({ type: 'noctant.AccountStatusChanged.v1', data }, registry.sentences)
  expect(sentence).toMatch(/^The status went from active to disabled: a \[31mbx+…\.$/)
  expect(sentence.length).toBeLessThan(220)
})
