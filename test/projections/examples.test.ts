import { expect, test } from 'vitest'
import { registry } from '../support/contexts.ts'
import { example, exampleTypes } from '../support/examples.ts'

test('there is an example of every event type of the registry', () => {
  expect(exampleTypes.toSorted()).toEqual(Object.keys(registry.schemas).toSorted())
})

test.each(exampleTypes)('the example of %s decodes to itself', (type) => {
  const { data } = example(type)
  expect(registry.decode(type, data)).toEqual({ type, data })
})
