import { expect, test } from 'vitest'
import { sentenceOf } from '../../src/audit/sentences.ts'
import { HEARTBEAT } from '../../src/events/registry.ts'
import { registry } from '../support/contexts.ts'
import { type ExampleEvent, example, exampleTypes } from '../support/examples.ts'

test('every registered type is told in a sentence without a hole', () => {
  for (const type of exampleTypes.filter((name) => name !== HEARTBEAT)) {
    const sentence = sentenceOf(example(type) as ExampleEvent, registry.sentences)
    expect(sentence.length, type).toBeGreaterThan(10)
    expect(sentence, type).not.toMatch(/unknown|undefined|\{[\w.?]+\}|<\w+>/)
  }
})

test('a type without a sentence of its own is told by its name and its data', () => {
  const event = { type: 'rungate.LicenceGrantedAnew.v3', data: { seats: 5, note: null, occurredAt: 'x', by: 'Ann' } }
  expect(sentenceOf(event, registry.sentences)).toBe('Licence granted anew: seats 5, by Ann')
})

test('what came from outside stays on its line and within bounds', () => {
  const data = { from: 'active', to: 'disabled', reason: `a\n\u001b[31mb${'x'.repeat(500)}` }
  const sentence = sentenceOf({ type: 'noctant.AccountStatusChanged.v1', data }, registry.sentences)
  expect(sentence).toMatch(/^The status went from active to disabled: a \[31mbx+…\.$/)
  expect(sentence.length).toBeLessThan(140)
})
