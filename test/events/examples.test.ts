/** The kernel's own events; those of contexts are held to the same by test/suites/events.ts. */
import { expect, test } from 'vitest'
import { sentenceOf } from '../../src/audit/sentences.ts'
import { createRegistry, HEARTBEAT } from '../../src/events/registry.ts'
import { examplesOf } from '../support/examples.ts'

const registry = createRegistry([])
const examples = examplesOf('opslog')

test('there is an example of every event type of the kernel', () => {
  expect(examples.map(({ type }) => type).toSorted()).toEqual(Object.keys(registry.schemas).toSorted())
})

test.each(examples.map(({ type, data }) => ({ type, data })))('the example of $type decodes to itself', (event) => {
  expect(registry.decode(event.type, event.data)).toEqual(event)
})

test('every type but the heartbeat is told in a sentence without a hole', () => {
  for (const event of examples.filter(({ type }) => type !== HEARTBEAT)) {
    const sentence = sentenceOf(event, registry.sentences)
    expect(sentence.length, event.type).toBeGreaterThan(10)
    expect(sentence, event.type).not.toMatch(/unknown|undefined|\{[\w.?]+\}|<\w+>/)
  }
})
